# What a job writes costs no commits of the store, however much and in however many pieces; all of
# it is there when the job has ended.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance --statedir "$scratch/state" <<'END'
commits() { hactor stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["journal"]["commits"])'; }
cost() { # LINES OPTION...: of a job that writes so many, and is watched meanwhile
  lines=$1
  shift
  before=$(commits)
  hactor run "$@" -u sh -c 'for i in $(seq "$0"); do echo $i; done' "$lines" >said
  after=$(commits)
  check_equal "lines" "$lines" "$(wc -l <said)"
  echo $((after - before))
}
for option in stdio-delay-commit=0 stdio-delay-commit=1 output.batch-timeout=20ms; do
  for lines in 1 5000; do
    n=$(cost "$lines" -O "$option")
    [ "$n" -ge 1 ] && [ "$n" -le 8 ] || fail "$lines lines with $option cost $n commits"
  done
done
id=$(hactor submit -O stdio-delay-commit=1 sh -c 'seq 100000')
hactor job wait "$id"
check_equal "all of it" 100000 "$(hactor job attach "$id" | wc -l)"
END
