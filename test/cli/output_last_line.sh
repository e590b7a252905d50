# The last line of an output is there with its label though it has no newline, whoever reads it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
check_equal "run" "0: abc" "$(hactor run -l printf abc)"
check_equal "run, two lines" "0: x
0: abc" "$(hactor run -l printf 'x\nabc')"
check_equal "standard error" "0: abc" "$(hactor run -l sh -c 'printf abc >&2' 2>&1)"
check_equal "exec" "0: abc" "$(hactor exec -r 0 -l printf abc)"
id=$(hactor submit printf 'x\nabc')
hactor job wait "$id"
check_equal "attach" "0: x
0: abc" "$(hactor job attach -l "$id")"
check_equal "its tail" "0: abc" "$(hactor job attach -l --tail=1 "$id" | tail -1)"
check_equal "watch" "0: x
0: abc" "$(hactor watch -l "$id")"
other=$(hactor submit printf abc)
array=$(hactor submit --cc=1-2 printf 'a{cc}' | head -1)
check_equal "watch of several" "$id:0: abc
$id:0: x
$other:0: abc" "$(hactor watch -l "$id" "$other" | sort)"
check_equal "of an array" "$array.1:0: a1
$array.2:0: a2" "$(hactor watch -l "$array".[1-2] | sort)"
check_equal "two jobs" "1.0: a1
2.0: a2" "$(hactor submit --quiet -l --watch --cc=1-2 printf 'a{cc}' | sort)"
END
