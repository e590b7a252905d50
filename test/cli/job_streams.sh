# Where a job's input comes from and its output goes to, and that nothing piles up on the way.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance --oversubscribe <<'END'
# Files by templates, one a task; with labels too.
host=$(hostname)
id=$(hactor submit --cc=4 -N 1 --tasks-per-node=2 -o 'o.%j.{{taskid}}.%a.{{size}}' -e 'e.%x.%t.%N' \
  sh -c 'echo out $HACTOR_TASK_RANK; echo err >&2')
hactor job wait "$id"
for t in 0 1; do
  check_equal "output of $t" "out $t" "$(cat "o.$id.$t.4.2")"
  check_equal "error of $t" err "$(cat "e.sh.$t.$host")"
done
hactor run -n 2 -l -o 'l.{{size}}.{{task.id}}' sh -c 'echo x; echo y >&2'
check_equal "labelled" "1: x
1: y" "$(sort l.2.1)"
hactor run -o '{{tmpdir}}/o' sh -c 'echo there; cat $HACTOR_JOB_TMPDIR/o >copy'
check_equal "in its folder" there "$(cat copy)"

# Input to all, to one, from files of their own.
count='echo $HACTOR_TASK_RANK $(wc -l)'
job() { hactor run -N 1 --tasks-per-node=3 "$@" sh -c "$count" | sort | xargs; }
check_equal "to all" "0 3 1 3 2 3" "$(seq 3 | job)"
check_equal "to one" "0 0 1 3 2 0" "$(seq 3 | job --input=1)"
check_equal "to two" "0 3 1 0 2 3" "$(seq 3 | job --input=0,2)"
for t in 0 1 2; do seq "$t" >"in.$t"; done
check_equal "of their own" "0 0 1 1 2 2" "$(job --input='in.{{task.id}}')"

# A directory that is not there, one that goes away, one that fills up.
fails_with 126 hactor run -o none/o true
check_contains "$output" "none/o: No such file or directory"
mkdir going
mkfifo told
id=$(hactor submit -o going/o sh -c 'echo a; read x <told; echo b')
hactor job wait-event "$id" start >/dev/null
rm -r going
echo >told
hactor job wait "$id"
said=$(hactor run -l -o /dev/full echo lost 2>&1)
check_contains "$said" "output is lost: /dev/full: No space left on device"

# A task that does not read holds back who feeds it, and can be cancelled.
mkfifo ready
yes | hactor run sh -c 'echo $HACTOR_JOB_ID >ready; exec sleep 60' >/dev/null 2>&1 &
deaf=$!
hactor cancel "$(cat ready)"
! wait "$deaf" || fail "cancelled and no failure"

# A long line, and much through the whole way in both directions, in little memory.
check_equal "no newline" 100000000 \
  "$(hactor run sh -c 'head -c 100000000 /dev/zero | tr "\0" x' | wc -c)"
cat >measure.py <<'PY'
import resource, subprocess, sys
n = sys.argv[1]
said = subprocess.run(["sh", "-c", "head -c %s /dev/zero | hactor run cat | wc -c" % n],
                      stdout=subprocess.PIPE).stdout.decode().strip()
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("all" if said == n and peak < 40000 else "%s bytes, a client had %s KiB" % (said, peak))
PY
check_equal "through" all "$(python3 measure.py "${HACTOR_TEST_BYTES:-100000000}")"
for pid in $(env -u HACTOR_TEST_TAG grep -lszx "HACTOR_TEST_TAG=$HACTOR_TEST_TAG" \
    /proc/[0-9]*/environ | cut -d/ -f3); do
  kib=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || continue
  [ "${kib:-0}" -lt 150000 ] || fail "$(tr '\0' ' ' <"/proc/$pid/cmdline") had $kib KiB"
  [ -z "${HACTOR_TEST_BYTES:-}" ] || printf '%s KiB %.60s\n' "$kib" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
done
END
