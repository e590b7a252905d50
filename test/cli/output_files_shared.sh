# Files that many jobs write: copies share one, which is emptied once, and the labels say whose the
# lines are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
numbers() { seq "$1" | tr '\n' ' '; }
sorted() { sort -n "$1" | tr '\n' ' '; }
echo old >one.out
for try in 1 2; do
  hactor submit --quiet --wait --cc=1-50 -o one.out echo '{cc}'
  check_equal "all of the array, try $try" "$(numbers 50)" "$(sorted one.out)"
done
hactor bulksubmit --quiet --wait -o bulk.out echo {} ::: $(seq 20)
check_equal "all commands" "$(numbers 20)" "$(sorted bulk.out)"
hactor submit --quiet --wait --cc=1-2 -n 2 -l -o labelled.out sh -c 'echo out; echo err >&2'
check_equal "labels" "1.0: err 1.0: out 1.1: err 1.1: out 2.0: err 2.0: out 2.1: err 2.1: out" \
  "$(echo $(sort labelled.out))"
hactor submit --quiet --wait --cc=1-2 -o 'own.{cc}' echo '{cc}'
hactor submit --quiet --wait --cc=1-2 -o 'own.{cc}' echo '{cc}'
check_equal "a file of its own" "1 2" "$(echo $(cat own.1 own.2))"
check_equal "shown" "3.0: hi 3.1: hi 4.0: hi 4.1: hi" \
  "$(echo $(hactor submit --quiet --watch -l --cc=3-4 -n 2 echo hi | sort))"
# Who appends does so in any case, and a jobspec that was refused has emptied nothing.
hactor submit --quiet --wait --cc=1-2 -O output.mode=append -o bulk.out echo 0
check_equal "appended" 22 "$(wc -l <bulk.out)"
fails_with 1 hactor submit -N 1000 --cc=1-2 -o bulk.out true
check_equal "refused" 22 "$(wc -l <bulk.out)"
fails_with 1 hactor submit -d afterok:f1 --cc=1-2 -o bulk.out true
check_contains "$output" "there is no job f1"
check_equal "refused for what it waits for" 22 "$(wc -l <bulk.out)"
END
