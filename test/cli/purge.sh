# 'hactor purge' and the attributes retention.age and retention.count: what is forgotten is not
# listed, nothing can depend on it, what it kept in the key-value store is gone, and it stays
# forgotten after a restart.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance --statedir="$scratch/state" <<'END'
listed() { hactor jobs -a -n -c 0 -o '{id}' | sort; }
hactor submit --wait --cc=1-20 true >ids
first=$(head -1 ids)
fails_with 2 hactor purge
check_contains "$output" "name the jobs by their ids"
fails_with 2 hactor purge --all "$first"
fails_with 0 hactor purge "$first"
check_contains "$output" "1 jobs were forgotten"
check_equal "the others" "$(tail -n +2 ids | sort)" "$(listed)"
fails_with 1 hactor job info "$first" jobspec
fails_with 1 hactor submit -d afterok:$first true
check_contains "$output" "there is no job $first, or it was purged"
fails_with 1 hactor purge "$first" "$(tail -1 ids)"
check_contains "$output" "of 2 jobs 1 were forgotten"
fails_with 1 hactor purge "$first"
check_contains "$output" "of 1 jobs 0 were forgotten"
fails_with 0 hactor purge --age-limit=1h
check_contains "$output" "0 jobs were forgotten"
spaces() { echo $(hactor kvs namespace list | awk 'NR > 1 { print $1 }'); }
hactor kvs namespace create own
a=$(hactor submit hactor kvs put k=a) b=$(hactor submit hactor kvs put k=b)
hactor job status "$a" "$b"
hactor purge --quiet "$a"
check_equal "what is kept" "$(echo $(printf '%s\n' "job-$b" own primary | sort))" "$(spaces | tr ' ' '\n' | sort | xargs)"
fails_with 1 hactor kvs get -N "job-$a" k
fails_with 1 hactor kvs put -N "job-$a" k=again
hactor purge --quiet "$b"
check_equal "what is kept" "own primary" "$(spaces)"
held=$(hactor submit --hold true)
next=$(hactor submit -d afterok:$held true)
fails_with 1 hactor purge "$held"
check_contains "$output" "$held: the job is active"
fails_with 0 hactor purge --num-limit=5
check_contains "$output" "13 jobs were forgotten"
check_equal "five, and two active" 7 "$(listed | wc -l)"
hactor purge --quiet --all
check_equal "active ones stay" "$(printf '%s\n' "$held" "$next" | sort)" "$(listed)"
echo "$held" >held
END
instance --statedir="$scratch/state" <<'END'
check_equal "namespaces" "own primary" "$(echo $(hactor kvs namespace list | awk 'NR > 1 { print $1 }'))"
check_equal "after a restart" 2 "$(hactor jobs -a -n -c 0 -o '{id}' | wc -l)"
hactor job urgency "$(cat held)" 16
while hactor jobs --stats-only >/dev/null; do sleep 0.1; done
END
instance -S retention.count=30 <<'END'
hactor submit --quiet --wait --cc=1-100 true
hactor submit --quiet --wait true
deadline 20 sh -c 'until [ "$(hactor jobs -a -n -c 0 -o "{id}" | wc -l)" -le 33 ]; do sleep 0.1; done'
END
instance -S retention.age=1s <<'END'
id=$(hactor submit --wait hactor kvs put k=1)
deadline 20 sh -c 'while [ -n "$(hactor jobs -a -n -o "{id}")" ]; do sleep 0.2; done'
fails_with 1 hactor job eventlog "$id"
fails_with 1 hactor kvs get -N "job-$id" k
check_contains "$(hactor stats)" '"namespaces": 1'
END
