# The examples of doc/workflow.md run as they are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

PATH=$HACTOR_TEST_BUILD/examples:$PATH
export PATH
instance -S resource.fake=nodes=1,cores=8 <<'END'
check_equal "in order" "status 0 status 1 status 0 " "$(example_patterns in-order | tr '\n' ' ')"
# As they have ended: a loaded machine may bring the three out of their usual order.
found=$(example_patterns any | xargs)
ended=$(hactor jobs -a -n -c 3 -o 'sort:t_inactive status {returncode}' | xargs)
check_equal "any" "$ended none is left: unknown_job" "$found"
check_equal "each once" "1 3 5" "$(echo "$ended" | tr ' ' '\n' | grep -v status | sort | xargs)"
check_equal "window" "20 jobs, at most 4 at once" "$(example_patterns window)"
# As the instance saw it; the newest ends come first, and all before have ended.
hactor jobs -a -n -c 20 -o '{t_submit} {t_inactive}' >jobs
check_equal "jobs of the window" 20 "$(wc -l <jobs)"
most=$(most_at_once <jobs)
[ "$most" -ge 1 ] && [ "$most" -le 4 ] || fail "$most jobs at once: $(cat jobs)"
output=$(example_patterns bookkeeper)
check_equal "bookkeeper" "validate priority alloc finish clean " \
  "$(printf '%s\n' "$output" | sed -n 's/^compute: \([a-z]*\).*/\1/p' | tr '\n' ' ')"
check_contains "$output" 'io: finish ({"status":768})'
output=$(example_patterns cancel)
check_contains "$output" "canceled, it had started: cancel: as an example"
check_contains "$output" "canceled, it never started: cancel: as an example"
check_contains "$(example_patterns bulk)" "2000 have ended"
END
# In an instance within this one, from outside of it.
instance -S resource.fake=nodes=2,cores=4 <<'END'
id=$(hactor alloc --bg -N 2 -n 2 -c 4)
HACTOR_URI=$HACTOR_URI/$id
check_equal "window" "20 jobs, at most 4 at once" "$(example_patterns window)"
check_equal "level" 1 "$(hactor getattr instance-level)"
END
instance -S resource.fake=nodes=1,cores=32 <<'END'
output=$(example_steering 32 100)
echo "$output"
check_contains "$output" "at most 32 at once"
check_contains "$output" "x = 0.3"
check_equal "active jobs" "" "$(hactor jobs -n)"
stopped=$(echo "$output" | sed 's/.* \([0-9]*\) stopped.*/\1/')
[ "$stopped" -gt 0 ] || fail "none was stopped"
check_equal "stopped" "$stopped" "$(hactor jobs -a -c 0 -n -o '{result}' | grep -c CANCELED)"
END
