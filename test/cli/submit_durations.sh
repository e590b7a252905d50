# A time limit is minutes when bare, and says its unit otherwise.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
limit() { hactor submit --dry-run -t "$1" true | python3 -c '
import json, sys
print(json.load(sys.stdin)["attributes"]["system"]["duration"])'; }
check_equal "2m" 120 "$(limit 2m)"
check_equal "30" 1800 "$(limit 30)"
check_equal "30s" 30 "$(limit 30s)"
check_equal "1:30:00" 5400 "$(limit 1:30:00)"
check_equal "1.5h" 5400 "$(limit 1.5h)"
for wrong in soon -1 5x ''; do
  fails_with 2 hactor submit -t "$wrong" true
  check_contains "$output" "--time-limit"
done
END
