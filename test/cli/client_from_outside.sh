# Any process of the user attaches by the URI; when the instance has ended it is told so.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkfifo uri gate
start -- sh -c 'echo $HACTOR_URI >uri; read go <gate' &
instance=$!
read -r HACTOR_URI <uri
export HACTOR_URI
check_equal "size" "$ranks" "$(hactor getattr size)"
check_equal "a job" hello "$(hactor run echo hello)"
socket=${HACTOR_URI#local://}
check_equal "mode of the folder" 700 "$(stat -c %a "$(dirname "$socket")")"
fails_with 1 env HACTOR_URI=http://here hactor uptime
check_contains "$output" "local:///"
mkfifo waits
id=$(hactor submit sleep 1000)
hactor job wait "$id" 2>waits & waiter=$!
exec 3<waits
it_waits() { hactor stats | grep -q '"streams": 1'; }
eventually 20 it_waits
echo go >gate
read -r said <&3
check_contains "$said" "hactor-job-wait: "
wait "$instance"
wait "$waiter" && fail "the wait for a job that was cut off ended well"
fails_with 1 hactor uptime
check_contains "$output" "it has ended"
