# The examples that need no compiler run as they are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

for example in hello array ensemble wait-in-order wait-any sliding-window bookkeeper cancel \
  bulk-submit python; do
  mkdir "$example" && cd "$example"
  start -- sh "${HACTOR_TEST_LIB%/test/cli/*}/examples/$example/run.sh" >out 2>&1 </dev/null ||
    fail "$example: $? $(cat out)"
  cd ..
done
check_equal "bookkeeper" "compute: clean -> INACTIVE
io: clean -> INACTIVE" "$(grep clean bookkeeper/out)"
check_contains "$(cat bookkeeper/out)" "io: dependency-add -> DEPEND"
check_lacks "$(cat bookkeeper/out)" other
check_contains "$(cat python/out)" "6 files, 0 failed"
check_contains "$(cat sliding-window/out)" "24 jobs, at most 4 at a time"
