# A module's actor runs within the broker; what is wrong with one is said, and ends nothing else.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

module=$HACTOR_TEST_BUILD/examples/libexample_module.so
id=$(start -S "modules.load=$module jobs=2" -- sh -c 'hactor submit true; exec sleep 1000') ||
  fail "the module did not end the instance: $?"
check_equal "what followed" "after $id" "$(cat "follow-up.$id")"

# One that waits for more than will ever come ends with the instance.
said=$(start -S "modules.load=$module jobs=1000" -- hactor run echo done)
check_equal "an instance ends although its module would not" "done" "$said"

# What it throws is told, with its name; the instance goes on.
output=$(start -S "modules.load=$module throw" -- hactor run echo goes on 2>&1)
check_contains "$output" "module follow-up of $module has failed and is off: it threw \"as it was told\""
check_contains "$output" "goes on"

# Modules that cannot be had.
refuses() { # LIBRARY PART
  fails_with 1 start -S "modules.load=$1" -- true
  check_contains "$output" "module $1: "
  check_contains "$output" "$2"
}
refuses "$scratch/none.so" "No such file"
refuses "$HACTOR_TEST_BUILD/examples/libexample_queue_policy.so" "it does not define hactor_module"
head -c 5000 "$module" >cut.so
refuses "$scratch/cut.so" "cut off"
printf 'not a library' >text.so
refuses "$scratch/text.so" "text.so"
fails_with 1 start -S "modules.load=$module,,$module" -- true
check_contains "$output" "a comma without a file"
command -v c++ >/dev/null || exit 0
caf=$(echo CAF_VERSION | c++ -E -P -x c++ -include caf/config.hpp - | tail -1)
wrong() { # VERSION CAF: a module that has these, and no function to start
  cat >wrong.cpp <<END
struct { unsigned version, caf; const char* name; bool on_every_rank; void* start; } d{$1, $2, "w"};
extern "C" const void* hactor_module() { return $1 == 0 ? nullptr : &d; }
END
  c++ -shared -fPIC -o wrong.so wrong.cpp
}
wrong 99 "$caf" && refuses "$scratch/wrong.so" "version 99 of hactor/module.hpp; this is 1"
wrong 1 1 && refuses "$scratch/wrong.so" "built with CAF 1; hactor with $caf"
wrong 1 "$caf" && refuses "$scratch/wrong.so" "has no function start"
wrong 0 0 && refuses "$scratch/wrong.so" "returned a null pointer"
