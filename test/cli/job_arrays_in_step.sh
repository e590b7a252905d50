# --dependency=aftercorr: each job of an array waits for the one of the same index of another; by id,
# by name, within one request, of jobs that have ended, and after a restart.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=1,cores=8 --statedir="$scratch/state" <<'END'
state() { hactor jobs -a -n -o '{status}' "$1" | tr -d ' '; }
mkfifo go
hactor submit -J first --cc=1,3,5 sh -c '[ {cc} != 3 ] || exit 1; [ {cc} != 5 ] || read x <go' >first
one=$(head -1 first)
deadline 20 hactor job status "$one"
fails_with 1 deadline 20 hactor job wait "$(sed -n 2p first)"
hactor submit -J second -d "aftercorr:$(tail -1 first)" --array=1,3,5 true >second # any of its jobs
hactor submit -d aftercorr:first --cc=1,5 true >named
second=$(head -1 second)
deadline 20 hactor job status "$second"
fails_with 1 deadline 20 hactor job wait "$second.3"
check_contains "$(hactor job eventlog "$second.3")" "aftercorr:$(hactor job id "$one.3") can never hold: the job has failed"
check_equal "its counterpart runs" DEPEND "$(state "$second.5")"
check_contains "$(hactor explain "$second.5")" "the job of its index in the array $one to end well"
deadline 20 hactor job status "$(head -1 named)"
check_equal "by name" DEPEND "$(state "$(tail -1 named)")"
check_contains "$(hactor job info "$second.5" jobspec)" '"array":"1,3,5","of":"'

fails_with 1 hactor submit -d "aftercorr:$one" true
check_contains "$output" "aftercorr:$one: what is submitted is no array (--cc, --array)"
fails_with 1 hactor submit -d "aftercorr:$one" --cc=1-2 true
check_contains "$output" "the array $one has no job of index 2; it has those of 1,3,5"
single=$(hactor submit true)
fails_with 1 hactor submit -d "aftercorr:$single" --cc=1-2 true
check_contains "$output" "that is no job of an array"
fails_with 1 hactor submit -d "aftercorr:nobody" --cc=1-2 true
check_contains "$output" "there is no array of this id or name with a job of index 1"
fails_with 1 hactor submit -d "aftercorr:first[1]" --cc=1 true
check_contains "$output" "must be an array as a whole"
fails_with 1 hactor submit -d "aftercorr:$one" --cc=3 true
check_contains "$output" "aftercorr:$(hactor job id "$one.3") can never hold"

cat >study.jsonl <<'DAG'
{"name": "post", "cc": "0-2", "dependency": "aftercorr:part", "command": "sh -c 'echo post{cc} >>order'"}
{"name": "part", "cc": "0-3", "command": "sh -c 'echo part{cc} >>order'"}
DAG
hactor submit --wait --dag study.jsonl >ids
for i in 0 1 2; do
  check_equal "of one request" "part$i post$i" "$(echo $(grep "$i" order))"
done
echo >go
deadline 20 hactor job status "$second.5" "$(tail -1 named)"
hactor submit --hold -J held --cc=0-1 true >held
hactor submit -d aftercorr:held --cc=0-1 true >waits
hactor purge "$one" >purged # a copy that was purged is none any more
fails_with 1 hactor submit -d "afterany:$second[7]" true
deadline 20 hactor job status "$(hactor submit -d "afterany:$(hactor job id "$second.3")[1,3]" true)"
fails_with 1 hactor submit -d "afterany:$(sed -n 2p first)[1]" true
check_contains "$output" "there is no job $(sed -n 2p first)[1]"
deadline 20 hactor job status "$(hactor submit -d "afterany:first[*]" true)"
END

instance -S resource.fake=nodes=1,cores=8 --statedir="$scratch/state" <<'END'
hactor job urgency "$(tail -1 held)" default
deadline 20 hactor job status "$(tail -1 waits)"
check_equal "its own has not run" DEPEND "$(hactor jobs -n -o '{status}' "$(head -1 waits)" | tr -d ' ')"
ended=$(hactor jobs -a -n -c 0 -f inactive | wc -l)
check_contains "$(hactor uptime)" " $ended ended ("
hactor cancel --all -q
END
