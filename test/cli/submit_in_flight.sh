# --max-in-flight and --array=SET%N: so many of a submission are active at once, whoever stays.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >one.sh <<'SH'
#!/bin/sh
# Counts who runs with it: a folder each.
mkdir "running/$1"
ls running | wc -l >>seen
hactor job wait-event -q -t 10s "$HACTOR_JOB_ID" start
rmdir "running/$1"
SH
chmod +x one.sh

mkdir running
instance -S resource.fake=nodes=1,cores=8 --statedir="$scratch/state" <<'END'
most_seen() { sort -n seen | tail -1; }
deadline 60 hactor submit --wait --max-in-flight=3 --cc=1-12 ./one.sh {cc} >ids
check_equal "all ran" 12 "$(wc -l <seen)"
[ "$(most_seen)" -le 3 ] || fail "$(most_seen) ran at once"
rm seen
deadline 60 hactor submit --quiet --wait --array=1-5%1 ./one.sh {cc}
check_equal "one by one" "1 1 1 1 1" "$(echo $(cat seen))"

# They say why they wait, go on without the command, and one that fails makes room too.
hactor submit --max-in-flight=1 --cc=1-3 sh -c '[ {cc} != 1 ] || sleep 1000; exit {cc}' >ids
second=$(sed -n 2p ids)
check_contains "$(hactor jobs "$second")" "depends:max-in-flight=1"
check_contains "$(hactor explain "$second")" "1 are active at once"
hactor cancel "$(head -1 ids)"
fails_with 2 deadline 20 hactor job status "$second"
fails_with 3 deadline 20 hactor job status "$(sed -n 3p ids)"

# A group is of several submissions.
a=$(hactor submit --max-in-flight=1:mine sleep 1000)
b=$(hactor submit --max-in-flight=1:mine true)
c=$(hactor submit --max-in-flight=1:yours true)
deadline 20 hactor job status "$c"
check_equal "waits" DEPEND "$(hactor jobs -n -o '{status}' "$b" | tr -d ' ')"
hactor cancel "$a"
deadline 20 hactor job status "$b"

# Batch jobs too.
deadline 60 hactor batch --quiet --wait --array=1-3%1 -n 1 -o 'out.{cc}' --wrap 'echo {cc}'
check_equal "batch" "1 2 3" "$(echo $(cat out.1 out.2 out.3))"
hactor submit --hold --max-in-flight=2 --cc=1-4 true >held
END
instance -S resource.fake=nodes=1,cores=8 --statedir="$scratch/state" <<'END'
check_equal "after a restart" "2 2" "$(hactor jobs -n -f sched | wc -l) $(hactor jobs -n -f depend | wc -l)"
hactor job urgency "$(sed -n 1p held)" default
deadline 20 hactor job status "$(sed -n 1p held)"
check_equal "one follows" "2 1" "$(hactor jobs -n -f sched | wc -l) $(hactor jobs -n -f depend | wc -l)"
END
