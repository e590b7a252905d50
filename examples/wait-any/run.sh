#!/bin/sh
# Waits for whichever job ends next; each is told once, in the order of their ends.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
hactor submit --quiet --cc=1-8 sh -c '[ {cc} -ne 5 ]' # number 5 fails

ended=0
failed=0
while true; do
  code=0
  id=$(hactor job wait 2>why) || code=$?
  case $code in
    0) ;;
    1) failed=$((failed + 1)) && echo "failed: $(cat why)" ;;
    *) break ;; # 2: nobody is left to wait for
  esac
  ended=$((ended + 1))
  echo "$id has ended"
done
rm why
echo "$ended ended, $failed of them failed"
[ "$ended" -eq 8 ] && [ "$failed" -eq 1 ]
