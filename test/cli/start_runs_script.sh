# The script runs once, on rank 0, with the instance's URI; its exit code is the instance's.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

status=0
output=$(echo from outside | start -- sh -c '
  read line
  echo "line: $line, arguments: $# <$1>, size $(hactor getattr size), rank $(hactor getattr rank)"
  test -n "$HACTOR_URI" || exit 1
  exit 7' name 'one two') || status=$?
check_equal "exit code" 7 "$status"
check_equal "output" "line: from outside, arguments: 1 <one two>, size $ranks, rank 0" "$output"
