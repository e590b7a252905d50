# A good job's events are those of RFC 21 in their order; states are a fold over them.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
id=$(hactor submit sh -c 'sleep 0.2')
hactor job eventlog -F "$id" >followed
hactor job eventlog "$id" >after
cmp followed after
check_equal "order" "submit validate depend priority alloc start finish release free clean" \
  "$(cut -d' ' -f2 after | xargs)"
check_contains "$(cat after)" "finish status=0"
check_contains "$(grep release after)" 'ranks="all"'
cut -d' ' -f1 after >times
sort -n -c times
check_equal "JSON lines" 10 "$(hactor job eventlog -f json "$id" | python3 -c '
import json, sys
print(sum("timestamp" in json.loads(line) for line in sys.stdin))')"
END
