#!/bin/sh
# Runs once, when the database volume is new: one role and one set of databases for WLOps, another for Temporal, so that
# neither program can read the other's tables. Passwords come from the environment and are never printed.
set -eu

: "${DATABASE_PASSWORD:?}" "${TEMPORAL_DATABASE_PASSWORD:?}"

psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv app_password DATABASE_PASSWORD
\getenv temporal_password TEMPORAL_DATABASE_PASSWORD
CREATE ROLE wlops LOGIN PASSWORD :'app_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE wlops OWNER wlops;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE wlops, temporal, temporal_visibility FROM PUBLIC;
SQL
