# 'hactor jobs --from' lists what an instance that has ended has left in its state directory.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance --statedir="$scratch/state" <<'END'
good=$(hactor submit -J good --wait true)
bad=$(hactor submit --wait sh -c 'exit 3') || true
held=$(hactor submit --hold true)
next=$(hactor submit -d afterok:$held true)
printf '%s\n' "$good" "$bad" "$held" "$next" >ids
hactor jobs -a -n >live
hactor jobs -a --json >live.json
END
unset HACTOR_URI
{ read -r good && read -r bad && read -r held && read -r next; } <ids
check_equal "the same list" "$(cat live)" "$(hactor jobs -a -n --from state)"
check_equal "the same records" "$(cat live.json)" "$(hactor jobs -a --json --from="$scratch/state")"
check_equal "active" "$(printf '%s\n' "$held" "$next" | sort)" \
  "$(hactor jobs -n -o '{id}' --from state | sort)"
check_equal "failed" "$bad 3" "$(hactor jobs -n -o '{id} {returncode}' -f failed --from state)"
check_equal "by name" "$good" "$(hactor jobs -a -n -o '{id}' --name good --from state)"
check_equal "by id" "COMPLETED" "$(hactor jobs -n -o '{result}' --from state "$good")"
check_contains "$(hactor jobs --from state "$next")" "depends:after-success=$held"
check_equal "for programs" 4 "$(hactor job list -a --from state | wc -l)"
fails_with 1 hactor jobs --from state f2345
fails_with 1 hactor jobs --from nowhere
check_contains "$output" nowhere
fails_with 2 hactor jobs --from state --stats
