# All output arrives, whole lines, labelled when asked; input goes to the tasks.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cat >talk.py <<'PY'
import os
rank = os.environ["HACTOR_TASK_RANK"]
for i in range(10000):
    print(rank, i, rank * 90)
PY
hactor run -n "$ranks" -l python3 talk.py >output
cat >check.py <<'PY'
import sys
n, last = int(sys.argv[1]), {}
for line in open("output"):
    label, rest = line.split(": ", 1)
    rank, i, tail = rest.split()
    assert label == rank and tail == rank * 90, line
    assert int(i) == last.get(rank, -1) + 1, line
    last[rank] = int(i)
assert last == {str(r): 9999 for r in range(n)}, last
PY
python3 check.py "$ranks"
seq 20000 >numbers
check_equal "read by all" "20000" "$(hactor run -n "$ranks" wc -l <numbers | sort -u)"
check_equal "binary" "$(head -c 300000 /bin/sh | md5sum)" "$(hactor run head -c 300000 /bin/sh | md5sum)"
hactor run -n "$ranks" -o out.{{task.id}} sh -c 'echo $HACTOR_TASK_RANK'
check_equal "files" "$ranks" "$(cat out.* | sort -u | wc -l)"
END
