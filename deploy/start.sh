#!/bin/sh
# How a server starts: wait for its database, bring the schema and the first content up to date, serve.
#
#   start.sh            all of it: for a single container or host
#   start.sh setup      everything but serving: once, before several servers start
#   start.sh serve      only wait and serve: for each of several servers
#   start.sh ARGUMENT…  any other `chancery` command, such as `start.sh doctor`
#
# CHANCERY_DATABASE, CHANCERY_DATABASE_PASSWORD_FILE, CHANCERY_HOST (0.0.0.0) and CHANCERY_PORT (8000) say what and where;
# CHANCERY_WAIT_S (60) how long a database may take to answer.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

wait_for_database() {
  python "$here/wait_for_database.py" "${CHANCERY_WAIT_S:-60}"
}

setup() {
  wait_for_database
  chancery migrate
  chancery seed
}

# `exec`: the server then is the process that gets SIGTERM, and finishes what it has accepted.
serve() {
  exec chancery serve --host "${CHANCERY_HOST:-0.0.0.0}" --port "${CHANCERY_PORT:-8000}"
}

# No `&&` here: on its left side the shell would forget `set -e`, and serve after a migration that failed.
case "${1:-all}" in
  all)
    setup
    serve
    ;;
  setup) setup ;;
  serve)
    wait_for_database
    serve
    ;;
  *) exec chancery "$@" ;;
esac
