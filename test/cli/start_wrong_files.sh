# Files that settings name and that are something else, and names that are none: said at the start,
# with the name; never a crash, never a wait.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

refused() { # TEXT OPTION...
  text=$1
  shift
  fails_with 2 start "$@" -- true
  check_contains "$output" "$text"
}

refused "resource.graph=/tmp: is a folder, must be a file" -S resource.graph=/tmp
for name in 'a b' 'n[1-3]' n1,n2 -n; do
  refused "hostname='$name': must be the name of a host" -S "hostname=$name"
done
check_contains "$(start -S hostname=n1.example_2 -- hactor resource R)" '"n1.example_2"'
# What is no library at all.
echo garbage >"$scratch/garbage.so"
for setting in sched.policy sched.match; do
  refused "must be a shared library that defines hactor_policies (hactor/policy.h)" \
    -S "$setting=$scratch/garbage.so"
done
fails_with 1 start -S "modules.load=$scratch/garbage.so" -- true
check_contains "$output" "must be a shared library that defines hactor_module (hactor/module.hpp)"
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
