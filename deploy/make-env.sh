#!/bin/sh
# Writes .env for docker-compose.yml: the example with a random value for every secret, readable by its owner only.
# Refuses to replace a file that exists, since the databases hold the old passwords.
set -eu

cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo '.env exists already; edit it, or move it away first' >&2
  exit 1
fi

umask 077
while IFS= read -r line; do
  case $line in
    \#* | '') printf '%s\n' "$line" ;;
    *=) printf '%s%s\n' "$line" "$(openssl rand -hex 24)" ;;
    *) printf '%s\n' "$line" ;;
  esac
done <deploy/compose.env.example >.env
echo 'wrote .env; the administrator logs in with WLOPS_ADMIN_EMAIL and WLOPS_ADMIN_PASSWORD from it'
