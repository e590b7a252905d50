# A process that no SIGKILL removes (here: a tracer keeps what is left of it from its parent, as a
# hung file server would) holds its node until that is drained: the job that waits does not get it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >trace.py <<'PY'
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE = 0x4206
if libc.ptrace(PTRACE_SEIZE, int(sys.argv[1]), 0, 0) != 0:
    sys.exit("ptrace: errno %d" % ctypes.get_errno())
print("traced", flush=True)
sys.stdin.read()
PY

instance -S resource.fake=nodes=1,cores=1 -S exec.kill_timeout=0.1s -S exec.max_kill_count=3 <<'END'
mkfifo hold
id=$(hactor submit sh -c 'echo $$ >pid; exec sleep 1000')
eventually 20 test -s pid
python3 trace.py "$(cat pid)" <hold >traced 2>&1 & tracer=$!
exec 9>hold
eventually 20 test -s traced
grep -q '^traced' traced || { exec 9>&-; hactor cancel "$id"; skip "no right to trace: $(cat traced)"; }
next=$(hactor submit true)
hactor cancel "$id"
deadline 20 hactor job wait-event -q "$id" clean
check_contains "$(hactor resource drain)" "unkillable user processes from job $id"
check_equal "who waits" S "$(hactor jobs -no '{status_abbrev}' "$next")"
check_lacks "$(hactor job eventlog "$next")" alloc
exec 9>&- # it dies at last
wait "$tracer"
hactor resource undrain 0
deadline 20 hactor job status "$next"
END
