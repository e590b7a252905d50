# The examples of policies of one's own run as they are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v c++ >/dev/null || skip "there is no compiler"
HACTOR_INCLUDE=$HACTOR_TEST_BUILD/include
export HACTOR_INCLUDE
for example in queue-policy match-policy; do
  deadline 50 sh "${HACTOR_TEST_LIB%/test/cli/*}/examples/$example/run.sh" || fail "$example: $?"
done
