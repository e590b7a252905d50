# A job whose limit is longer than what is left of its instance waits, with the reason, and lets others
# pass; it runs when the instance gets more time, or in one that is restarted on the state directory.
# sched.cut_at_end starts it at once.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >inner.sh <<'END'
. "$HACTOR_TEST_LIB"
deadline 20 hactor run -t 500s true # all the time that there is, but a moment
seconds_are_gone() { [ "$(hactor job timeleft)" -lt 494 ]; }
eventually 20 seconds_are_gone
id=$(hactor submit -t 500s true)
check_contains "$(hactor explain "$id")" "asked for 8.333m; this instance ends in 8."
check_contains "$(hactor explain --json "$id")" '"too-long"'
deadline 20 hactor run true
deadline 20 hactor run -t 100s true
hactor run -t 500s true 2>said & # no terminal, and yet it is said that this is in vain
client=$!
eventually 20 grep -q "waits: asked for 8.333m; this instance ends in 8." said
kill "$client"
wait "$client" || true
check_equal "state" SCHED "$(hactor jobs -n -o '{state}' "$id")"
hactor proxy "${HACTOR_URI%/*}" hactor update "$HACTOR_ENCLOSING_ID" duration=1h
deadline 20 hactor job wait "$id"
END
export INNER=$scratch/inner.sh
instance -S resource.fake=nodes=1,cores=4 <<'END'
for policy in fcfs easy; do
  hactor run -n 2 -N 1 -t 500s hactor start -S sched.policy=$policy sh "$INNER"
done
deadline 30 hactor run -t 200s hactor start -S sched.cut_at_end=true sh -c 'hactor run -t 200s true'
END

export SLURM_JOB_END_TIME=$(($(date +%s) + 300))
instance --statedir="$scratch/state" -S resource.fake=nodes=1,cores=4 <<'END'
# As long as the instance in all: of that more than a hundredth has passed.
hactor resource R >R
number() { sed "s/.*\"$1\":\([0-9.]*\).*/\1/" R; }
whole=$(echo "$(number starttime) $(number expiration)" |
  awk '{ s = $2 - $1; print (s > int(s) ? int(s) + 1 : s) }')
seconds_are_gone() { [ "$(hactor run hactor job timeleft)" -lt $((whole * 98 / 100)) ]; }
eventually 20 seconds_are_gone
hactor submit -t "${whole}s" sh -c ': >"$HACTOR_TEST_SCRATCH/ran"' >id
check_contains "$(hactor explain "$(cat id)")" "; this instance ends in"
hactor run -t 10s true
[ ! -e ran ]
END
unset SLURM_JOB_END_TIME
instance --statedir="$scratch/state" -S resource.fake=nodes=1,cores=4 <<'END'
deadline 20 hactor job wait "$(cat id)"
[ -e ran ]
END
