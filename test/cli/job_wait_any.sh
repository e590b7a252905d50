# 'job wait' without ids tells of each submitted job once, in the order of their ends, also of those
# that ended before; --all of the worst of them; and says when none is left.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
fails_with 2 hactor job wait
check_contains "$output" "there are no more waitable jobs"
fails_with 2 hactor job wait --all

one=$(hactor submit true)
hactor job wait-event -q "$one" clean
two=$(hactor submit false)
hactor job wait-event -q "$two" clean
fails_with 0 deadline 10 hactor job wait
check_equal "first" "$one" "$output"
fails_with 1 deadline 10 hactor job wait
check_equal "second, and why" "hactor-job-wait: $two: Exit 1
$two" "$output"
fails_with 2 hactor job wait

# A client that has gone has not been told.
mkfifo go
id=$(hactor submit sh -c 'read line <go')
hactor job wait >/dev/null & waiter=$!
until hactor stats | grep -q '"streams": 1'; do sleep 0.05; done
kill -9 "$waiter"
wait "$waiter" 2>/dev/null || true
until hactor stats | grep -q '"streams": 0'; do sleep 0.05; done
echo go >go
check_equal "told again" "$id" "$(deadline 10 hactor job wait)"
fails_with 2 hactor job wait --all

hactor submit --cc=1-20 true >ids
hactor submit sh -c 'exit 3' >>ids
fails_with 1 deadline 20 hactor job wait --all -v
check_contains "$output" "$(tail -1 ids): Exit 3"
check_equal "told of" "$(sort ids)" "$(echo "$output" | grep -v ^hactor | cut -d' ' -f1 | sort)"
check_contains "$output" "FAILED"
hactor submit --cc=1-12 false >ids
fails_with 1 deadline 20 hactor job wait --all
check_contains "$output" "and 2 more; 'hactor jobs -a -f failed,canceled,timeout' lists them"
fails_with 1 hactor job wait $(head -2 ids)
check_contains "$output" "$(sed -n 2p ids): Exit 1"
hactor submit --cc=1-20 true >/dev/null
fails_with 0 deadline 20 hactor job wait --all

# K of them.
hactor submit --quiet --cc=1-5 true
fails_with 0 deadline 20 hactor job wait -n 3
check_equal "three" 3 "$(echo "$output" | wc -l)"
fails_with 2 deadline 20 hactor job wait -n 3 # two are left
check_equal "two, and that is all" 3 "$(echo "$output" | wc -l)"
mkfifo stay
slow=$(hactor submit sh -c 'read line <stay')
fast=$(hactor submit true) faster=$(hactor submit false)
fails_with 1 deadline 20 hactor job wait -n 2 "$slow" "$fast" "$faster"
check_equal "two of three" "$(printf '%s\n' "$fast" "$faster" | sort)" \
  "$(echo "$output" | grep -v ^hactor | sort)"
fails_with 0 deadline 20 hactor job wait --any "$slow" "$fast"
check_equal "any, as often as one asks" "$fast" "$output"
fails_with 2 hactor job wait -n 4 "$slow" "$fast" "$faster"
fails_with 124 deadline 20 hactor job wait -t 0.3 "$slow" "$fast"
check_contains "$output" "job $slow has not ended within 0.3s"
fails_with 124 deadline 20 hactor job wait -t 0.3
check_contains "$output" "the next job has not ended within 0.3s"
fails_with 1 deadline 20 hactor job wait-event -t 0.3 "$slow" clean
check_contains "$output" "there was no 'clean' within 0.3s"
fails_with 2 deadline 20 hactor job wait "$faster" f1 # more than a job that failed
check_contains "$output" "f1: "
echo >stay
deadline 20 hactor job wait "$slow"
hactor submit --cc=1-3 sh -c 'test {cc} -lt 3' | deadline 20 hactor job wait - 2>said && fail "one failed"
hactor submit --cc=1-3 true | deadline 20 hactor job wait -
fails_with 2 hactor job wait -
check_contains "$output" "standard input names no jobs"
fails_with 2 hactor job wait --any --all "$slow"

hactor run true # is nobody's to wait for
fails_with 2 hactor job wait
id=$(hactor submit true)
deadline 10 hactor job wait "$id"
fails_with 2 hactor job wait
END
