# Jobs of instances within jobs are named by a path of ids, as 'hactor jobs -R' and
# HACTOR_JOB_ID_PATH have it; commands go where such a job is.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=4,cores=4 <<'END'
mkfifo up
# An array of instances; the second has an instance of its own, in which a job runs.
hactor batch --cc=1-2 -N1 -n2 --wrap sleep 1000 >outer
array=$(head -n 1 outer) second=$(tail -n 1 outer)
hactor job wait-event -q "$second" memo
middle=$(hactor proxy "$array.2" hactor alloc --bg -n1)
inner=$(hactor proxy "$array.2/$middle" hactor submit --job-name=inner sh -c 'echo "$HACTOR_JOB_ID_PATH" >up; exec sleep 1000')
read -r told <up
path=$(hactor jobs -R -n -o '{id.path}' | grep "$inner")
check_equal "in a listing" "$second/$middle/$inner" "$path"
check_contains "$(hactor jobs -R)" "$second/$middle:"
check_equal "by the path" inner "$(hactor jobs -n -o '{name}' "$path")"
check_equal "as its task was told" "/$path" "$told"
check_equal "a command in the job" "$inner" "$(hactor exec -j "$path" sh -c 'echo "$HACTOR_JOB_ID"')"
# From within, what begins with a slash is looked for from outside.
check_equal "from within" inner "$(hactor proxy "$second/$middle" hactor jobs -n -o '{name}' "/$path")"
check_equal "an array on the way" inner "$(hactor jobs -n -o '{name}' "$array.2/$middle/$inner")"
check_equal "other spellings" "$(hactor job id --to=dec "$second")/$(hactor job id --to=dec "$inner")" \
  "$(hactor job id --to=dec "$second/$inner")"
check_contains "$(hactor job eventlog "$path")" "start"
check_contains "$(hactor top --once "$array.2")" "instance $second"
hactor job memo "$path" note=5/6 size=12
check_equal "a memo" "5/6 12" "$(hactor jobs -n -o '{user.note} {user.size}' "$path")"
plain=$(hactor submit --hold true)
hactor job raise -t other -s 7 "$path" "$plain" not 1/2 of it
check_contains "$(hactor job eventlog "$plain")" 'note="not 1/2 of it"'
check_contains "$(hactor job eventlog "$path")" 'note="not 1/2 of it"'
fails_with 2 hactor job wait "$path" "$plain"
check_contains "$output" "the jobs are of several instances"
fails_with 1 hactor cancel "$plain/$inner"
check_contains "$output" "$plain"
fails_with 1 hactor cancel "$second/f1234"
hactor cancel "$path" "$plain"
fails_with 143 hactor job status "$path"
hactor job wait-event -q "$plain" clean
check_equal "cancelled, each where it is" "CANCELED CANCELED" \
  "$(hactor jobs -n -o '{result}' "$path") $(hactor jobs -a -n -o '{result}' "$plain")"
hactor cancel --all -q
END
