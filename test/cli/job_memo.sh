# Notes beside a job: in its events, in listings, in the record that stays of it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
instance <<'END'
id=$(hactor submit --hold true)
other=$(hactor submit --hold true)
hactor job memo "$id" "$other" step=17 'text=not JSON' 'best={"loss":0.5}'
check_equal "listed" "17 not JSON" "$(hactor jobs -n -o '{user.step} {user.text}' "$other")"
hactor job memo "$id" step=18 text=null
check_equal "changed" "18" "$(hactor jobs -n -o '{user.step}' "$id")"
check_contains "$(hactor job eventlog "$id")" 'memo'
hactor job memo "$other" b.c=2
hactor job memo "$other" b.d=3 b.e.f=4
check_equal "below a name" "2 3 4" "$(hactor jobs -n -o '{user.b.c} {user.b.d} {user.b.e.f}' "$other")"
fails_with 2 hactor job memo "$other" x=1 x.y=2
check_contains "$output" "'x' is a note of its own"
fails_with 2 hactor job memo "$other" x..y=2
check_equal "no exception" False "$(hactor jobs -n -o '{exception.occurred}' "$other")"
hactor job urgency "$id" default
hactor job wait "$id"
check_contains "$(hactor job info "$id" record)" '"step":18'
check_lacks "$(hactor job info "$id" record)" 'not JSON'
fails_with 1 hactor job memo "$id" late=1
fails_with 2 hactor job memo "$other" =1
check_contains "$output" "has no key"
fails_with 2 hactor job memo "$other" nothing
fails_with 2 hactor job memo a=1 b=2
hactor cancel "$other"
check_equal "an exception" True "$(hactor jobs -a -n -o '{exception.occurred}' "$other")"
END
