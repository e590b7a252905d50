# hactor job attach as somebody's input: the keys of a terminal go to a job that has one, what comes
# by a pipe to a job that takes input, and nothing else to any.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# person.py EXIT-CODE ID KEYS TEXT KEYS TEXT ...: attaches on a terminal of 31 lines; after each keys
# the text is waited for.
cat >person.py <<'PY'
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.environ["HACTOR_TEST_LIB"]))
from terminal import Terminal
expected, job, steps = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
here = Terminal(["hactor", "job", "attach", job], (31, 97))
here.until(b"Ctrl-] and d detaches")
for keys, text in zip(steps[::2], steps[1::2]):
    here.press(keys.encode().decode("unicode_escape").encode())
    here.until(text.encode())
here.end(expected)
PY
instance <<'END'
for pty in pty.interactive pty; do
  id=$(hactor submit -O $pty sh)
  # What is typed is broken by quotes, so that its echo is not taken for the answer.
  deadline 30 python3 person.py 0 "$id" "until stty size | grep '^31 97\$'; do :; done; echo si''ze\r" size \
    "sh -c \"echo be''gun; exec sleep 60\"\r" begun '\x03' '' "echo af''ter\r" after \
    '\x1dd' "detached from job $id, which goes on"
  deadline 30 python3 person.py 7 "$id" "echo ba''ck\r" back 'exit 7\r' ''
done

# A job that takes input; the end of /dev/null is not the end of it.
id=$(hactor submit --input=all sh -c 'echo begun; read x; echo "got $x"')
hactor job attach "$id" </dev/null >quiet & attached=$!
eventually 20 grep -q begun quiet
check_equal "by a pipe" "begun got it" "$(echo it | deadline 20 hactor job attach "$id" | xargs)"
wait $attached
check_equal "seen by both" "begun got it" "$(xargs <quiet)"
id=$(hactor submit sh -c 'wc -l')
check_equal "a job that takes none" 0 "$(yes | deadline 20 hactor job attach "$id")"
id=$(hactor submit -n 2 --input=all cat)
fails_with 2 deadline 20 hactor job attach --stdin-ranks=7 "$id"
check_contains "$output" "job $id has no task 7, only tasks 0-1"
hactor cancel "$id"
END
