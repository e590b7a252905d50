#!/bin/sh
# Four jobs on one core: they start by their time limits, shortest first.
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/policy.XXXXXX")
trap 'rm -rf "$work"' EXIT
# HACTOR_INCLUDE: where hactor/policy.h is, when the compiler does not know.
c++ -std=c++20 -shared -fPIC ${HACTOR_INCLUDE:+"-I$HACTOR_INCLUDE"} -o "$work/libshortest.so" \
  "$here/shortest_first.cpp"
env -u HACTOR_URI hactor start -S resource.fake=nodes=1,cores=1 \
  -S "sched.policy=$work/libshortest.so" sh -c '
    hactor queue stop --quiet
    ids=
    for limit in 5m 1m 10m 2m; do
      ids="$ids $(hactor submit -t "$limit" --setattr=exec.test.run_duration=10ms --job-name="$limit" true)"
    done
    hactor queue start --quiet
    hactor job wait --all $ids >/dev/null
    hactor jobs -a -n -o "sort:t_run {name}"' | tee "$work/order"
[ "$(tr "\n" " " <"$work/order")" = "1m 2m 5m 10m " ]
