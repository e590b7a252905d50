# find_package(hactor) on an installed, moved prefix is all that a driver or a module needs.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v c++ >/dev/null || skip "there is no compiler"
cmake --install "$HACTOR_TEST_BUILD" --prefix "$scratch/first" >/dev/null
mv first second
cp -r "${HACTOR_TEST_LIB%/test/cli/*}/examples/workflow" source
cmake -G Ninja -S source -B made -DCMAKE_PREFIX_PATH="$scratch/second" >log || fail "$(cat log)"
cmake --build made >log 2>&1 || fail "$(cat log)"
PATH=$scratch/second/bin:/usr/local/bin:/usr/bin:/bin
check_equal "a driver" "20 jobs, at most 4 at once" \
  "$(deadline 30 hactor start -- made/example_patterns window)"
echo 'int main() {}' >source/steering.cpp # another version is refused
sed -i 's/find_package(hactor REQUIRED)/find_package(hactor 99 REQUIRED)/' source/CMakeLists.txt
fails_with 1 cmake -G Ninja -S source -B other -DCMAKE_PREFIX_PATH="$scratch/second"
check_contains "$output" "99"
