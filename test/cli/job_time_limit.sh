# A job is ended at its time limit, with an exception of type timeout.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
id=$(hactor submit -t 0.5s sleep 100)
fails_with 142 hactor job status "$id"
check_contains "$(hactor jobs -n -o '{result}' "$id")" TIMEOUT
check_contains "$(hactor job eventlog "$id" | grep exception)" timeout
took=$(hactor jobs -n -o '{runtime}' "$id")
python3 -c 'import sys; t = float(sys.argv[1]); assert 0.5 <= t < 5, t' "$took"
id=$(hactor submit -t 5s sleep 0.2)
hactor job status "$id"
check_lacks "$(hactor jobs -n -o '{result}' "$id")" TIMEOUT
END
