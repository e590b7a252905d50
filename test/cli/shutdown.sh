# hactor shutdown ends what runs on all ranks first, then the instance, with 0; in a nested instance
# it ends that one alone, with its script.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance >out 2>&1 <<'END' || fail "exit code $?: $(cat out)"
hactor job wait-event -q "$(hactor submit -N "$ranks" sleep 1000)" start
hactor shutdown
sleep 1000
END
check_lacks "$(cat out)" "not all jobs"

instance -S resource.fake=nodes=4,cores=4 <<'END'
mkfifo up
id=$(hactor submit -N 2 -n 2 hactor start sh -c 'hactor submit sleep 1000; echo up >up; exec sleep 1000')
read -r line <up
hactor proxy "$id" hactor shutdown
fails_with 143 deadline 20 hactor job status "$id"
check_equal "what is left" "hello" "$(hactor run echo hello)"
END
