# The examples that need no compiler run as they are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

for example in hello array ensemble wait-in-order wait-any sliding-window bookkeeper cancel \
  bulk-submit python; do
  mkdir "$example" && cd "$example"
  start -- sh -c 'sh "$1" && hactor jobs -a -n -c 0 -o "{id} {t_submit} {t_inactive}" >jobs' \
    sh "${HACTOR_TEST_LIB%/test/cli/*}/examples/$example/run.sh" >out 2>&1 </dev/null ||
    fail "$example: $? $(cat out)"
  cd ..
done
check_equal "bookkeeper" "compute: clean -> INACTIVE
io: clean -> INACTIVE" "$(grep clean bookkeeper/out)"
check_contains "$(cat bookkeeper/out)" "io: dependency-add -> DEPEND"
check_lacks "$(cat bookkeeper/out)" other
check_contains "$(cat python/out)" "6 files, 0 failed"
check_contains "$(cat sliding-window/out)" "24 jobs, at most 4 at a time"
check_equal "jobs of the window" 24 "$(wc -l <sliding-window/jobs)"
most=$(cut -d' ' -f2,3 sliding-window/jobs | most_at_once)
[ "$most" -ge 1 ] && [ "$most" -le 4 ] || fail "$most jobs at once: $(cat sliding-window/jobs)"

check_equal "in the order of the submits" "number 0: 5 hundredths
number 1: 1 hundredths
number 2: 3 hundredths" "$(sed -n 's/.* as \(number\)/\1/p' wait-in-order/out)"
check_contains "$(cat wait-in-order/out)" ": Exit 3"
sed -n 's/ has ended$//p' wait-any/out >told
check_equal "each once" "$(cut -d' ' -f1 wait-any/jobs | sort)" "$(sort told)"
while read -r id; do sed -n "s/^$id .* //p" wait-any/jobs; done <told >ends
check_equal "in the order of the ends" "$(LC_ALL=C sort -n ends)" "$(cat ends)"
