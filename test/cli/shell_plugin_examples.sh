# The example of shell plugins, in C and in Lua, is built as a user would and runs as it is.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v cc >/dev/null || skip "there is no compiler"
[ -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-plugins" ] || skip "hactor was built without Lua"
HACTOR_INCLUDE=$HACTOR_TEST_BUILD/include
export HACTOR_INCLUDE
output=$(start -S resource.fake=nodes=2,cores=4 -- \
  sh "${HACTOR_TEST_LIB%/test/cli/*}/examples/shell-plugin/run.sh" 2>said) || fail "$? $(cat said)"
for line in "0: in rank-0" "1: in rank-1" "0: hello from fake0, rank-0, 1 of 2, blue" \
  "1: hello from fake0, rank-1, 2 of 2, blue"; do
  check_contains "$output" "$line"
done
check_contains "$(cat said)" "rank_files: task 1 has failed"
