#!/bin/sh
# As the image of Postgres does: an empty data folder is set up with the user, password and database of the environment,
# by a server that listens on its socket alone, and then the server starts for good.
set -e

run_as_postgres() {
  setpriv --reuid=postgres --regid=postgres --init-groups "$@"
}

case "$1" in
  -*) set -- postgres "$@" ;;
esac
if [ "$1" != postgres ]; then
  exec "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
mkdir -p "$PGDATA" /var/run/postgresql
chown postgres:postgres "$PGDATA" /var/run/postgresql
chmod 700 "$PGDATA"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"
  password_file=$(mktemp)
  printf '%s' "$POSTGRES_PASSWORD" >"$password_file"
  chown postgres "$password_file"
  run_as_postgres initdb --username="$user" --pwfile="$password_file" --auth-local=trust --auth-host=scram-sha-256
  rm "$password_file"
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  run_as_postgres pg_ctl --wait -o "-c listen_addresses=''" start
  if [ "$database" != postgres ]; then
    run_as_postgres createdb --username="$user" "$database"
  fi
  run_as_postgres pg_ctl --wait --mode=fast stop
fi

shift
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -c listen_addresses='*' "$@"
