# hactor job attach on a terminal: one Ctrl-C says how to go on; Ctrl-Z after it leaves the job to
# itself, and a second Ctrl-C cancels it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# press.py EXIT-CODE COMMAND... -- KEY TEXT KEY TEXT ...: after each key the text is waited for.
cat >press.py <<'PY'
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.environ["HACTOR_TEST_LIB"]))
from terminal import Terminal
split = sys.argv.index("--")
expected, command, steps = int(sys.argv[1]), sys.argv[2:split], sys.argv[split + 1:]
here = Terminal(command)
here.until(b"running")
for key, text in zip(steps[::2], steps[1::2]):
    here.press({"C": b"\x03", "Z": b"\x1a"}[key])
    here.until(text.encode())
here.end(expected)
PY
instance <<'END'
mkfifo gate
id=$(hactor submit sh -c 'echo running; read line <gate; echo "$line"')
warned="again within 2 s to cancel job $id"
deadline 20 python3 press.py 0 hactor job attach "$id" -- C "$warned" Z "detached from job $id, which goes on"
check_equal "goes on" RUN "$(hactor jobs -n -o '{state}' "$id")"
echo end >gate
check_equal "its end" "running end" "$(hactor job attach "$id" | xargs)"
id=$(hactor submit sh -c 'echo running; exec sleep 1000')
deadline 20 python3 press.py 143 hactor job attach "$id" -- C "again within 2 s to cancel job $id" C "cancelling job $id"
check_equal "cancelled" CANCELED "$(hactor jobs -n -o '{result}' "$id")"
check_contains "$(hactor job eventlog "$id")" "interrupted by Ctrl-C"
# Who only reads is ended by the key as any program is, and asks nothing of the job.
id=$(hactor submit sh -c 'echo running; exec sleep 1000')
deadline 20 python3 press.py -2 hactor job attach --read-only "$id" -- C "^C"
check_equal "untouched" RUN "$(hactor jobs -n -o '{state}' "$id")"
hactor cancel "$id"
END
