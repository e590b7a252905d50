# Queue policies in Python: jobs start in the order of the file, also of a changed one after a
# reload; a wrong file is refused, and one that fails later leaves the usual order, each with its
# file and line. No broker dies of either.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ -e "$HACTOR_TEST_BUILD/lib/hactor/hactor_python_policy.so" ] || skip "hactor was built without Python"
example=${HACTOR_TEST_LIB%/test/cli/*}/examples/queue-policy/aged_shortest.py

# What cannot be a policy.
refuses() { # TEXT PART...
  printf '%b' "$1" >wrong.py
  shift
  fails_with 2 start -S "sched.policy=$scratch/wrong.py" true
  for part; do check_contains "$output" "$part"; done
}
refuses 'x = 1\n' "policy in Python $scratch/wrong.py: TypeError: it defines no class Policy"
refuses 'x = 1\nif x\n' "$scratch/wrong.py:2: SyntaxError"
refuses '\nimport no_such_module_xyz\n' "$scratch/wrong.py:2: ModuleNotFoundError: No module named 'no_such_module_xyz'"
refuses 'raise SystemExit(0)\n' "$scratch/wrong.py:1: SystemExit: 0"
refuses 'class Policy:\n  pass\n' "must have one of the methods key and compare"
refuses 'class Policy:\n  def __init__(self):\n    self.x = [][3]\n' "$scratch/wrong.py:3: IndexError"
refuses 'class Policy:\n  reservation_depth = -1\n  def key(self, job): return 1\n' "reservation_depth is -1"
fails_with 2 start -S "sched.policy=$scratch/none.py" true
check_contains "$output" "none.py"
fails_with 2 start -S "sched.policy=none.py" true
check_contains "$output" "has a slash"

fails_with 2 env PYTHONHOME=/nowhere hactor-start -S "sched.policy=$example" true
check_contains "$output" "policy in Python $example: Python does not start"
cmake --install "$HACTOR_TEST_BUILD" --prefix "$scratch/prefix" >/dev/null
deadline 30 "$scratch/prefix/bin/hactor-start" -S "sched.policy=$example" true
rm "$scratch/prefix/lib/hactor/hactor_python_policy.so"
fails_with 2 "$scratch/prefix/bin/hactor-start" -S "sched.policy=$example" true
check_contains "$output" "hactor was built without Python"

# Four jobs on one core, named by their limits, and the order in which they run.
cat >lib.sh <<'END_OF_LIB'
. "$HACTOR_TEST_LIB"
order_of() { # LIMIT...
  hactor queue stop --all --quiet
  ids=
  for limit; do
    ids="$ids $(hactor submit -t "$limit" --setattr=exec.test.run_duration=10ms --job-name="$limit" true)"
  done
  hactor queue start --all --quiet
  # shellcheck disable=SC2086 # one word an id
  deadline 30 hactor job wait --all $ids >/dev/null
  # shellcheck disable=SC2086
  echo $(hactor jobs -a -n -o "sort:t_run {name}" $ids)
}
END_OF_LIB

# By a comparison that has a state of its own, standard modules, and others beside it.
mkdir site
echo 'LONGEST_FIRST = True' >site/settings_of_site.py
cat >site/longest.py <<'END_OF_PYTHON'
import ctypes
import json
from settings_of_site import LONGEST_FIRST

class Policy:
    def compare(self, a, b):
        assert LONGEST_FIRST and json.loads(json.dumps(a.cores)) == ctypes.c_int(1).value
        return (a.duration_s < b.duration_s) - (a.duration_s > b.duration_s)
END_OF_PYTHON

cat >fails_later.py <<'END_OF_PYTHON'
class Policy:
    name = "fragile"

    def key(self, job):
        return 1 / (job.duration_s - 120)
END_OF_PYTHON

cp "$example" changing.py
cat >script.sh <<'END_OF_SCRIPT'
. "$HACTOR_TEST_SCRATCH/lib.sh"
check_equal "the example" "1m 2m 5m 10m" "$(order_of 5m 1m 10m 2m)"
check_equal "no limit" "1m 5m 0" "$(order_of 0 5m 1m)"
cp "$HACTOR_TEST_SCRATCH/site/longest.py" "$HACTOR_TEST_SCRATCH/site/settings_of_site.py" .
cat longest.py >changing.py
hactor scheduler reload >/dev/null
check_equal "the changed file" "0 10m 5m 2m 1m" "$(order_of 5m 1m 0 10m 2m)"

# A wrong one is refused, and the old one stays.
echo 'what' >wrong.py
fails_with 2 hactor scheduler reload -S sched.policy=./wrong.py
check_contains "$output" "./wrong.py:1: NameError: name 'what' is not defined"
check_equal "the old one" "5m 1m" "$(order_of 1m 5m)"

# What fails later leaves the usual order.
hactor scheduler reload -S sched.policy=./fails_later.py >/dev/null
check_equal "the usual order" "5m 2m 10m 1m" "$(order_of 5m 2m 10m 1m)"
check_contains "$(hactor dmesg)" "the order of queue policy fragile of ./fails_later.py is turned off"
check_contains "$(hactor dmesg)" "raised ./fails_later.py:5: ZeroDivisionError: float division by zero"
hactor scheduler reload -S sched.policy=easy >/dev/null
check_equal "without it" "5m 1m" "$(order_of 5m 1m)"
END_OF_SCRIPT
start -S resource.fake=nodes=1,cores=1 -S sched.policy=./changing.py sh "$scratch/script.sh"

# Several in one instance, each for its queue.
cat >two.sh <<'END_OF_SCRIPT'
. "$HACTOR_TEST_SCRATCH/lib.sh"
queued() { hactor submit -q "$1" -t "$2" --setattr=exec.test.run_duration=10ms --job-name="$1$2" true; }
hactor queue stop --all --quiet
ids="$(queued s 1m) $(queued s 5m) $(queued l 1m) $(queued l 5m)"
hactor queue start --all --quiet
# shellcheck disable=SC2086
deadline 30 hactor job wait --all $ids >/dev/null
# shellcheck disable=SC2086
found=" $(echo $(hactor jobs -a -n -o "sort:t_run {name}" $ids)) "
case $found in *" s1m "*"s5m "*) ;; *) fail "queue s: $found" ;; esac
case $found in *" l5m "*"l1m "*) ;; *) fail "queue l: $found" ;; esac
END_OF_SCRIPT
start -S resource.fake=nodes=1,cores=1 \
  -S "sched.queues=s policy=$example; l policy=$scratch/site/longest.py" sh "$scratch/two.sh"
