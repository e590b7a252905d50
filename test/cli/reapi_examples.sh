# Programs against the installed REAPI headers, in C and C++, are built and run as they are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v cc >/dev/null && command -v c++ >/dev/null || skip "there is no compiler"
cmake --install "$HACTOR_TEST_BUILD" --prefix "$scratch/prefix" >/dev/null
HACTOR_PREFIX=$scratch/prefix
export HACTOR_PREFIX
output=$(deadline 50 sh "${HACTOR_TEST_LIB%/test/cli/*}/examples/reapi/run.sh")
check_contains "$output" "4 jobs fit"
check_contains "$output" "as it is: at 0
without them: at 0"
check_contains "$output" "as it is: at 0
without them: never"
