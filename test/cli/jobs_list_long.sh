# A listing of more than any frame holds, also of jobs that a restart found.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance --statedir="$scratch/state" <<'END'
name=$(printf '%8000s' '' | tr ' ' n)
hactor submit --urgency=0 --cc=0-9999 --job-name="$name" true >/dev/null
check_equal "all of them" 10000 "$(hactor jobs -a -n -c 0 -o '{id} {name}' | wc -l)"
hactor uptime >/dev/null
END
instance --statedir="$scratch/state" <<'END'
check_equal "all of them, again" 10000 "$(hactor jobs -a -n -c 0 -o '{id} {name}' | wc -l)"
END
