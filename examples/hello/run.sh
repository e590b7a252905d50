#!/bin/sh
# One job on every node of the instance, its output shown as it comes.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
size=$(hactor getattr size)
echo "brokers in this instance: $size"
hactor run -N "$size" -n "$size" --label-io sh -c 'echo "task $HACTOR_TASK_RANK of job $HACTOR_JOB_ID on $(hostname)"'
