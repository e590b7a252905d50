#!/bin/sh
# level.sh: what a script sees of the instance that it runs in, whichever level that has.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
hactor resource list -n -o '{state} {nnodes} {ncores}'
hactor run -n 2 sh -c 'echo "task $HACTOR_TASK_RANK of $HACTOR_JOB_SIZE"' | sort
hactor submit --quiet --job-name=fails --wait sh -c 'exit 3' 2>/dev/null || echo "exit code $?"
hactor jobs -a -n -f failed -o '{name} {returncode}' | sort -u
