#!/usr/bin/env bash
# Replaces every container of `gateway` or `aggregator` by one of the current image and settings, one after the other: no request fails.
#
#   docker compose build && deploy/compose/roll.sh gateway && deploy/compose/roll.sh aggregator
#
# A new one is started beside the old ones and is healthy before an old one is stopped, which then ends what it has begun.
set -euo pipefail
service=${1:-}
[[ $service == gateway || $service == aggregator ]] || {
  echo "usage: ${0##*/} gateway|aggregator" >&2
  exit 2
}
# What a gateway cannot tell Kafka at its end stays in its own volume, and that goes with it.
ask="fetch('http://127.0.0.1:' + process.env.PORT + '/health').then((answer) => answer.json())
  .then(({ event_log: log }) => process.exit(!log || log.connected ? 0 : 1), () => process.exit(1))"

for old in $(docker compose ps --quiet "$service"); do
  docker exec "$old" node -e "$ask" || {
    echo "${0##*/}: $service $old cannot reach Kafka; nothing more is replaced" >&2
    exit 1
  }
  running=$(docker compose ps --quiet "$service" | wc -l)
  docker compose up --detach --wait --no-deps --no-recreate --scale "$service=$((running + 1))" "$service"
  docker stop "$old" >/dev/null
  docker rm --volumes "$old" >/dev/null
  echo "${0##*/}: $service $old is replaced"
done
