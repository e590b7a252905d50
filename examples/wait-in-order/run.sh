#!/bin/sh
# Waits for jobs in the order in which they were submitted, whatever the order of their ends.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
ids=$(hactor bulksubmit --output='result.{seq}' sh -c 'sleep 0.0{}; echo "{} hundredths"' ::: 5 1 3)

number=0
for id in $ids; do
  hactor job wait "$id" # returns at once when it has ended before
  echo "$id, submitted as number $number: $(cat "result.$number")"
  rm "result.$number"
  number=$((number + 1))
done

# A job that fails is told of by the exit code, and by a line on standard error.
id=$(hactor submit sh -c 'exit 3')
if hactor job wait "$id" 2>why; then exit 1; fi
echo "it failed: $(cat why)"
rm why
