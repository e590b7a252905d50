# Attaching shows all output from the beginning, during the job and after; the status is the job's.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
mkfifo gate
id=$(hactor submit sh -c 'echo first; read go <gate; echo second; exit 4')
hactor job wait-event -q "$id" start
hactor job attach "$id" >during & attached=$!
echo go >gate
code=0
wait $attached || code=$?
check_equal "during" "first second" "$(xargs <during)"
check_equal "exit code" 4 "$code"
fails_with 4 hactor job attach "$id"
check_contains "$output" "first
second"
END
