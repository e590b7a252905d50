# hactor submit prints the id alone and returns at once, while the job runs.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
id=$(hactor submit -n 1 -t 2m sleep 120)
check_equal "lines" 1 "$(echo "$id" | wc -l)"
hactor job wait-event -q "$id" start
check_equal "state" "$id RUN" "$(hactor jobs -n -o '{id} {state}' "$id")"
hactor cancel "$id"
fails_with 143 hactor job status "$id"
END
