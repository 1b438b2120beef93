#!/usr/bin/env bash
# The database of a Superset that has its tables, its roles and a user, once: every start copies it. Takes a while.
set -euo pipefail
venv=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
superset() {
  env -i PATH="$venv/bin:$PATH" HOME="$folder" SUPERSET_HOME="$folder" SUPERSET_CONFIG_PATH="$here/superset_config.py" \
    SUPERSET_SECRET_KEY=of-no-use-where-nothing-is-kept-secret SUPERSET_METADATA="sqlite:///$folder/superset.db" \
    FLASK_APP="superset.app:create_app()" "$venv/bin/superset" "$@" >>"$folder/log" 2>&1 || { tail -30 "$folder/log" >&2; exit 1; }
}
echo "preparing Superset" >&2
superset db upgrade
superset fab create-admin --username admin --password admin --firstname Local --lastname User --email carelake@localhost
superset init
mv "$folder/superset.db" "$venv/superset.db"
