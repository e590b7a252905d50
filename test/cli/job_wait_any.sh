# 'job wait' without ids tells whoever waits once of each submitted job, in the order of their ends,
# also of those that ended before; --all of the worst of them; and says when none is left.
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

# Any number may wait at once; each is told of each end that comes meanwhile.
streams_are() {
  hactor stats | grep -q "\"streams\": $1,\{0,1\}$"
}
mkfifo hold.1 hold.2 hold.3
for how in --all --any '-n 1' ''; do
  id=$(hactor submit sh -c 'read line <hold.1; exit 3')
  for waiter in 1 2 3; do
    (
      code=0
      deadline 20 hactor job wait $how -v >"said.$waiter" 2>&1 || code=$?
      echo "$code" >>"said.$waiter"
    ) &
  done
  eventually 10 streams_are 3
  echo >hold.1
  wait
  for waiter in 1 2 3; do
    check_equal "waiter $waiter of 'job wait $how'" "hactor-job-wait: $id: Exit 3
$id FAILED
1" "$(cat "said.$waiter")"
  done
  fails_with 2 hactor job wait $how # who comes later has nothing to wait for
done

# Each K of them, though one shell runs both, and one that is killed takes nothing away.
hactor submit --cc=1-3 sh -c 'read line <hold.{cc}' >ids
hactor job wait -n 3 >said.1 & one=$!
hactor job wait -n 3 >said.2 & two=$!
hactor job wait -n 3 >said.3 & gone=$!
eventually 10 streams_are 3
kill -9 "$gone"
wait "$gone" 2>/dev/null || true
for number in 1 2 3; do echo >hold.$number; done
wait "$one" "$two"
check_equal "one heard" "$(sort ids)" "$(sort said.1)"
check_equal "two heard the same" "$(cat said.1)" "$(cat said.2)"
fails_with 2 hactor job wait

# A script that waits again and again misses nothing that ends between its waits while others wait.
first=$(hactor submit true)
check_equal "the first" "$first" "$(hactor job wait)"
second=$(hactor submit sh -c 'read line <hold.1')
sh -c 'hactor job wait; echo "$?"' >said.1 & other=$!
eventually 10 streams_are 1
echo >hold.1
wait "$other"
check_equal "the other heard" "$second
0" "$(cat said.1)"
check_equal "came between" "$second" "$(hactor job wait)"
fails_with 2 hactor job wait
cat >rounds <<'SH'
while id=$(hactor job wait -n 1 -t 20); do echo "$id"; done
SH
# Until this one ends nobody hears that none is left.
hactor submit sh -c 'read line <hold.1' >ids
sh ./rounds >heard.1 & one=$!
sh ./rounds >heard.2 & two=$!
eventually 10 streams_are 2
hactor submit --cc=1-40 true >>ids
eventually 20 eval '[ "$(cat heard.1 heard.2 | wc -l)" -eq 80 ]'
echo >hold.1
wait "$one" "$two"
check_equal "each heard each end once" "$(sort ids)" "$(sort heard.1)"
check_equal "and so did the other" "$(sort ids)" "$(sort heard.2)"

hactor run true # is nobody's to wait for
fails_with 2 hactor job wait
id=$(hactor submit true)
deadline 10 hactor job wait "$id"
fails_with 2 hactor job wait
END
