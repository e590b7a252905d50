# What tasks wrote on a rank that was lost since: whoever reads a job's output hears that it is not
# all, and of whom.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance 2>log <<'END' || fail "$(cat log)"
victim=$((ranks - 1))
id=$(hactor submit -N "$ranks" -n "$ranks" sh -c 'echo "out $HACTOR_TASK_RANK"')
quiet=$(hactor submit -N "$ranks" -n "$ranks" true)
files=$(hactor submit -N "$ranks" -n "$ranks" -o 'f.{{taskid}}' echo in a file)
deadline 20 hactor job status "$id" "$quiet" "$files"
check_equal "all that was written" "$ranks" "$(hactor job attach "$id" | wc -l)"
check_contains "$(hactor job info "$id" guest.output)" "\"eof\":true,\"rank\":\"$victim\""
kill -9 "$(hactor exec -r "$victim" sh -c 'pgrep -o -P $PPID hactor-start')"
eventually 10 sh -c "[ \"\$(hactor resource list -n -o '{state} {nnodes}' | grep down)\" = 'down 1' ]"

missing="job $id: output of task $victim on rank $victim cannot be read: "
fails_with 1 deadline 20 hactor job attach "$id"
check_contains "$output" "$missing"
check_contains "$output" "out 0"
check_lacks "$output" "out $victim"
fails_with 1 deadline 20 hactor watch "$id"
check_contains "$output" "$missing"
check_contains "$output" "out 0"
check_contains "$(deadline 20 workflow_probe lost "$id")" "${missing#*: }"
check_equal "all of it" "" "$(deadline 20 workflow_probe lost "$quiet")"
# In the form of RFC 24 it has no end, but a word.
hactor job info "$id" guest.output >events
check_lacks "$(cat events)" "\"eof\":true,\"rank\":\"$victim\""
check_contains "$(cat events)" '"eof":true,"rank":"0"'
check_contains "$(grep '"name":"log"' events)" "output of task $victim on rank $victim cannot be read"
check_contains "$(grep '"name":"log"' events)" "\"level\":3"
deadline 20 hactor job wait-event -q -p output "$id" log
# Where nothing was written, or all of it to files, nothing is missing.
check_equal "nothing" "" "$(deadline 20 hactor job attach "$quiet" 2>&1)"
check_equal "files" "" "$(deadline 20 hactor job attach "$files" 2>&1)"
END
