# Files that settings name and that are something else: said at the start, with the name; never a
# crash, never a wait.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

refused() { # TEXT OPTION...
  text=$1
  shift
  fails_with 2 start "$@" -- true
  check_contains "$output" "$text"
}

refused "resource.graph=/tmp: is a folder, must be a file" -S resource.graph=/tmp
mkfifo "$scratch/pipe"
refused "resource.graph=$scratch/pipe: is a pipe, must be a file" -S "resource.graph=$scratch/pipe"
refused "resource.graph=/dev/null: is a device" -S resource.graph=/dev/null
refused "sched.policy: policy library $scratch/pipe: is no regular file" \
  -S "sched.policy=$scratch/pipe"

command -v c++ >/dev/null || skip "there is no compiler"
compile() { # FAULT
  c++ -std=c++20 -shared -fPIC -I"$HACTOR_TEST_BUILD/include" -DFAULT="\"$1\"" -o "$scratch/$1.so" \
    "${HACTOR_TEST_LIB%/cli/*}/support/faulty_policy.cpp"
}

compile entry
refused "sched.match: policy library $scratch/entry.so: when it was asked for its policies it threw" \
  -S "sched.match=$scratch/entry.so"
compile call
size=$(stat -c %s "$scratch/call.so")
for part in 3 50 99; do
  head -c $((size * part / 100)) "$scratch/call.so" >"$scratch/cut.so"
  for setting in sched.policy sched.match; do
    refused "$setting: policy library $scratch/cut.so: is cut off" -S "$setting=$scratch/cut.so"
  done
done

# One that throws later is turned off, and the jobs run.
instance -S "sched.policy=$scratch/call.so" -S "sched.match=$scratch/call.so" \
  -S resource.fake=nodes=3,cores=1 2>said <<'END'
check_equal "a job" "ran" "$(deadline 20 hactor run echo ran)"
check_contains "$(hactor dmesg)" "match policy faulty of $HACTOR_TEST_SCRATCH/call.so is turned off"
END
check_contains "$(cat said)" 'threw "no watts are known"'
