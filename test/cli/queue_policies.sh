# The policy is an attribute: with EASY a small job passes a large one that must wait, and says so.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=2,cores=2 -S sched.policy=easy <<'END'
long=$(hactor submit -n 3 -t 10m --setattr=exec.test.run_duration=600 true)
hactor job wait-event "$long" start >/dev/null
large=$(hactor submit -N 2 -n 4 -t 1m --setattr=exec.test.run_duration=0.01 true)
small=$(hactor submit -n 1 -t 1m --setattr=exec.test.run_duration=0.01 true)
check_equal "the small job" 0 "$(hactor job wait "$small" >/dev/null; echo $?)"
check_contains "$(hactor explain "$large")" "reserved: "
check_contains "$(hactor explain "$large")" "behind job $long"
check_contains "$(hactor explain --json "$large")" '"t_estimate":'
check_equal "explained" "running: runs on fake[0-1]" "$(hactor explain "$long")"
# The same in listings: INFO says when, the annotations of RFC 27 what and why.
case $(hactor jobs -n -o '{contextual_info}' "$large") in
  eta:9.*m | eta:10m) ;;
  *) fail "INFO: $(hactor jobs -n -o '{contextual_info}' "$large")" ;;
esac
notes='{annotations.sched.t_estimate} {annotations.sched.reason_pending}'
check_contains "$(hactor jobs -n -o "$notes" "$large")" "reserved for it in "
estimate=$(hactor jobs -n -o '{annotations.sched.t_estimate}' "$large")
[ "${estimate%.*}" -ge "$(($(date +%s) + 500))" ] || fail "t_estimate is no time: $estimate"
check_contains "$(hactor job eventlog -f json "$long")" \
  '"annotations":{"sched":{"resource_summary":"rank0/core[0-1] rank1/core0","selection_type":"immediate"}}'
placed='{annotations.sched.resource_summary} {annotations.sched.selection_type}'
check_equal "the long job" "rank0/core[0-1] rank1/core0 immediate" \
  "$(hactor jobs -n -o "$placed" "$long")"
check_equal "the small job" "rank1/core1 backfill" "$(hactor jobs -a -n -o "$placed" "$small")"
check_contains "$(hactor explain --json "$long")" '"selection_type":"immediate"'
check_contains "$(hactor jobs --json "$long")" '"selection_type":"immediate"'
hactor cancel "$long"
hactor job wait "$large"
check_contains "$(hactor jobs -a -n -o "$placed" "$large")" " reserved"
check_contains "$(hactor explain "$large")" "ended: completed"
check_contains "$(hactor explain "$long")" "ended: was canceled"
END

instance -S resource.fake=nodes=2,cores=2 <<'END'
long=$(hactor submit -n 3 -t 10m --setattr=exec.test.run_duration=600 true)
hactor job wait-event "$long" start >/dev/null
large=$(hactor submit -N 2 -n 4 true)
small=$(hactor submit -n 1 true)
held=$(hactor submit --urgency=0 true)
check_contains "$(hactor explain "$large")" \
  "resources: needs 2 nodes with 2 slots of 1 core; there is room for 0 nodes now"
check_contains "$(hactor explain "$small")" "behind: 1 job is ahead (fcfs)"
check_contains "$(hactor explain "$held")" "held: "
check_contains "$(hactor jobs -n -o '{contextual_info}' "$large")" "needs 2 nodes"
check_contains "$(hactor jobs -n -o '{contextual_info}' "$small")" "1 job is ahead (fcfs)"
check_equal "INFO" "held" "$(hactor jobs -n -o '{contextual_info}' "$held")"
END

fails_with 2 start -S sched.policy=lifo -- true
check_contains "$output" "there are fcfs, easy, hybrid and conservative"

# Fluxion's tables in a file.
cat >"$scratch/fluxion.toml" <<'END'
[sched-fluxion-qmanager]
queue-policy = "easy"
[sched-fluxion-resource]
match-policy = "hinode"
END
instance --config "$scratch/fluxion.toml" -S resource.fake=nodes=2,cores=2 <<'END'
check_equal "the policy" easy "$(hactor getattr sched.policy)"
check_equal "the match policy" hinode "$(hactor getattr sched.match)"
END
echo 'queue-depth = 3' >>"$scratch/fluxion.toml"
fails_with 2 start --config "$scratch/fluxion.toml" -- true
check_contains "$output" "fluxion.toml:5: there is no option \"queue-depth\""
fails_with 2 start --config "$scratch" -- true
check_contains "$output" "is a folder, must be a file"
fails_with 2 start --config "$scratch/none.toml" -- true
check_contains "$output" "none.toml: No such file"
