# One Ctrl-C on hactor run says how to go on; the second cancels the job.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >press.py <<'PY'
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.environ["HACTOR_TEST_LIB"]))
from terminal import Terminal
presses, command = int(sys.argv[1]), sys.argv[2:]
here = Terminal(command)
here.until(b"running")
for i in range(presses):
    here.press(b"\x03")
    here.until(b"again within" if i == 0 else b"cancelling")
if presses == 1:
    open("go", "w").close()
    here.until(b"went on")
here.end(0 if presses == 1 else 143)
PY
cat >job.sh <<'SH'
echo running
if [ "$1" = 1 ]; then
  until [ -e go ]; do sleep 0.05; done
  echo went on
else
  exec sleep 100
fi
SH
instance <<'END'
deadline 20 python3 press.py 1 hactor run sh job.sh 1
deadline 20 python3 press.py 2 hactor run sh job.sh 2
check_equal "results" "CANCELED COMPLETED" "$(hactor jobs -a -n -o '{result}' | sort | xargs)"
END
