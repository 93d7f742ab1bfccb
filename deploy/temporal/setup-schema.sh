#!/bin/sh
# Brings Temporal's two databases to the schema of the running version. Safe to repeat: `setup-schema` never lowers a version,
# `update-schema` applies only what is missing. The databases themselves come from deploy/postgres/create-databases.sh.
# Expects SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD.
set -eu

migrate() { # database, name of the schema that is embedded in the tool
  temporal-sql-tool --plugin postgres12 --database "$1" setup-schema --version 0.0
  temporal-sql-tool --plugin postgres12 --database "$1" update-schema --schema-name "$2"
}

migrate temporal postgresql/v12/temporal
migrate temporal_visibility postgresql/v12/visibility
