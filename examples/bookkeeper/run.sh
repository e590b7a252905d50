#!/bin/sh
# Keeps a book of every change of state of chosen jobs. The instance filters: of other jobs nothing
# comes here, and while nothing happens this script sleeps.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
compute=$(hactor submit --hold -n 2 --job-name=compute sleep 0.1)
io=$(hactor submit --job-name=io --dependency=afterok:"$compute" true)
hactor job urgency "$compute" default # both are in the book from their beginning
hactor submit --quiet --cc=1-20 --job-name=other true # not in the book

left=2
# --since 0: from the beginning, so that what happened before we listen is not missed.
hactor events --since 0 "$compute" "$io" | while read -r event; do
  field() { printf '%s' "$event" | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }
  case $(field id) in
    "$compute") job=compute ;;
    *) job=io ;;
  esac
  echo "$job: $(field name) -> $(field state)"
  if [ "$(field name)" = clean ]; then
    left=$((left - 1))
    [ "$left" -gt 0 ] || break # the next event would end 'hactor events'; this ends it now
  fi
done
