# A job's record says how it ended: success, exit code, signal, exception.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
record() { hactor jobs -n -o "{success} {returncode} {result} {inactive_reason}" "$1"; }
id=$(hactor submit true) && hactor job status "$id"
check_contains "$(record "$id")" "true 0 COMPLETED"
id=$(hactor submit sh -c 'exit 5') && fails_with 5 hactor job status "$id"
check_contains "$(record "$id")" "false 5 FAILED"
check_contains "$(record "$id")" "5"
id=$(hactor submit sh -c 'kill -SEGV $$') && fails_with 139 hactor job status "$id"
check_contains "$(record "$id")" "FAILED"
check_contains "$(record "$id")" "Seg"
id=$(hactor submit no-such-program) && fails_with 127 hactor job status "$id"
check_contains "$(record "$id")" "127 FAILED"
check_contains "$(record "$id")" "command not found"
check_contains "$(hactor job info "$id" record)" '"success":false'
check_contains "$(hactor job info "$id" record)" '"exception_type":"exec"'
END
