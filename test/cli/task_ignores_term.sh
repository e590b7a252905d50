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
# For ever, however it is said, is long enough for a task that cleans up, and no reason not to end.
for ever in infinity 99999999999d; do
  instance -S exec.kill_timeout="$ever" -S exec.release_delay="$ever" -S exec.plugin_timeout="$ever" \
    -S exec.mpi_patience="$ever" -S transport.goodbye_timeout="$ever" <<'END'
rm -f said go left
mkfifo said go
id=$(hactor submit sh -c 'trap "echo asked; read -r word <go; echo cleaned >left; exit 3" TERM
  echo up; while :; do sleep 0.1; done')
hactor job attach --read-only "$id" >said 2>/dev/null &
exec 5<said
read -r word <&5
hactor cancel "$id"
read -r word <&5
check_equal "said" asked "$word"
echo now >go
fails_with 3 deadline 10 hactor job status "$id"
check_equal "left" cleaned "$(cat left)"
fails_with 0 deadline 10 hactor job wait --timeout=infinity "$(hactor submit true)"
END
done
# One that is left when the script ends does not keep the instance.
instance -S exec.kill_timeout=0.3s <<'END'
hactor run --wait-event=start sh -c 'trap "" TERM; while :; do sleep 1000; done'
END
