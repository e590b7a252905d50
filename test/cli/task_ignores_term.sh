# A task that ignores SIGTERM is killed after exec.kill_timeout, or by a second cancel at once.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S exec.kill_timeout=0.3s <<'END'
id=$(hactor submit -n "$ranks" sh -c 'trap "" TERM; : >deaf.$HACTOR_TASK_RANK; while :; do sleep 1000; done')
deadline 20 sh -c 'until [ "$(ls | grep -c "^deaf")" = "$1" ]; do sleep 0.1; done' sh "$ranks"
hactor job wait-event -q "$id" start
hactor cancel "$id"
fails_with 137 deadline 10 hactor job status "$id"
check_contains "$(hactor jobs -n -o '{result}' "$id")" CANCELED
END
instance -S exec.kill_timeout=1h <<'END'
id=$(hactor submit sh -c 'trap "" TERM; echo deaf; while :; do sleep 1000; done')
mkfifo said
hactor job attach --read-only "$id" >said 2>/dev/null &
read -r word <said
hactor cancel "$id"
hactor cancel "$id"
fails_with 137 deadline 10 hactor job status "$id"
END
# One that is left when the script ends does not keep the instance.
instance -S exec.kill_timeout=0.3s <<'END'
hactor run --wait-event=start sh -c 'trap "" TERM; while :; do sleep 1000; done'
END
