#!/bin/sh
# Creates the namespace and the typed search attributes that WLOps writes. Safe to repeat: what exists is left as it is.
# Expects TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, which the CLI reads by itself; RETENTION as `72h` or `30d`.
set -eu

deadline=$(($(date +%s) + 120))
until temporal operator cluster health >/dev/null 2>&1; do
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "Temporal at $TEMPORAL_ADDRESS did not answer within 120 s" >&2
    exit 1
  fi
  sleep 1
done

temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --retention "${RETENTION:-30d}" -n "$TEMPORAL_NAMESPACE"

# A new namespace reaches the frontend's cache after some seconds; until then the call is refused.
until temporal operator search-attribute create \
  --name WlopsTaskId --type Keyword \
  --name WlopsUserId --type Keyword \
  --name WlopsMode --type Keyword \
  --name WlopsStatus --type Keyword \
  --name WlopsModel --type Keyword \
  --name WlopsDatasetId --type Keyword \
  --name WlopsIteration --type Int \
  --name WlopsScore --type Double; do
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "search attributes could not be created in namespace $TEMPORAL_NAMESPACE" >&2
    exit 1
  fi
  sleep 2
done
