# The example of shell plugins, in C and in Lua, is built against an installed hactor and runs as it
# is. That hactor's own start file is read, its plugins are found; without its program jobs say so.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v cc >/dev/null || skip "there is no compiler"
[ -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-plugins" ] || skip "hactor was built without Lua"
prefix=$scratch/prefix
cmake --install "$HACTOR_TEST_BUILD" --prefix "$prefix" >/dev/null
PATH=$prefix/bin:$PATH
HACTOR_INCLUDE=$prefix/include
export PATH HACTOR_INCLUDE
output=$(start -S resource.fake=nodes=2,cores=4 -- \
  sh "${HACTOR_TEST_LIB%/test/cli/*}/examples/shell-plugin/run.sh" 2>said) || fail "$? $(cat said)"
for line in "0: in rank-0" "1: in rank-1" "0: hello from fake0, rank-0, 1 of 2, blue" \
  "1: hello from fake0, rank-1, 2 of 2, blue"; do
  check_contains "$output" "$line"
done
check_contains "$(cat said)" "rank_files: task 1 has failed"

mkdir -p "$prefix/etc/hactor/shell" "$prefix/lib/hactor/shell-plugins"
cp "$HACTOR_TEST_BUILD/lib/shell_probe.so" "$prefix/lib/hactor/shell-plugins"
echo 'plugin.load { file = "*.so", conf = { change = "yes" } }' >"$prefix/etc/hactor/shell/initrc.lua"
check_equal "with the system's start file" "job" "$(start -- hactor run sh -c 'echo $OF_JOB' | head -1)"
rm "$prefix/lib/hactor/hactor-plugins"
fails_with 1 start -- hactor run true
check_contains "$output" "could not be started: this hactor was built without liblua5.4"
