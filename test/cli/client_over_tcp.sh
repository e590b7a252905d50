# With connector.tcp the owner gets in from everywhere with the token, and by nothing else; every command works over
# it, and through ssh, as by the socket.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

start_seconds=110

key="-S connector.key=$scratch/key"
for wrong in x 1:2:3 70000 -1 host: :80 localhost:x; do
  fails_with 2 start $key -S "connector.tcp=$wrong" true
  check_contains "$output" "connector.tcp=$wrong"
done
head -c 32 /dev/urandom >readable
chmod 640 readable
fails_with 1 start -S connector.key="$scratch/readable" -S connector.tcp=0 true
check_contains "$output" "chmod 600"

export PYTHONPATH="${HACTOR_TEST_LIB%/test/cli/*}/workflow/python" PYTHONDONTWRITEBYTECODE=1

# What a stub in the place of ssh is asked for; login scripts may print.
cat >ssh <<'END'
#!/bin/sh
echo "$*" >>"$HACTOR_TEST_SCRATCH/ssh.said"
echo 'Welcome to this machine.'
shift
exec sh -c "$*"
END
chmod +x ssh

# A person presses Ctrl-C twice: for the command, not for the ssh beneath it.
cat >press.py <<'END'
import os, pty
pid, fd = pty.fork()
if pid == 0:
    os.execvp("hactor", ["hactor", "run", "-n1", "sh", "-c", "echo running; exec sleep 100"])
seen = b""
for wait, key in ((b"running", b"\x03"), (b"again within", b"\x03"), (b"cancelling", b"")):
    while wait not in seen:
        part = os.read(fd, 4096)
        assert part, (wait, seen)
        seen += part
    os.write(fd, key)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert status == 143, (status, seen)
END

instance $key -S connector.tcp=127.0.0.1:0 -S instance.name=mine <<'END'
address=$(hactor getattr connector.tcp)
check_contains "$address" 127.0.0.1:
local=$HACTOR_URI
check_equal "mode of the token" 600 "$(stat -c %a "$HACTOR_TEST_SCRATCH/key")"
fails_with 1 hactor-start -S connector.key="$HACTOR_TEST_SCRATCH/key" -S connector.tcp="$address" true
check_contains "$output" "$address"

# All that a client does, each way.
export HACTOR_SSH="$HACTOR_TEST_SCRATCH/ssh"
remote=$(hactor uri --remote)
check_equal remote "ssh://$(hostname)${local#local://}" "$remote"
tcp=tcp://$address # its token is that of the note
for uri in "$tcp" "$remote"; do
  export HACTOR_URI=$uri
  check_equal "uri --local by $uri" "$local" "$(hactor uri --local)"
  check_equal "uri --remote by $uri" "$remote" "$(hactor uri --remote)"
  check_equal "run by $uri" "a b" "$(echo $(hactor run -n1 sh -c 'echo a; echo b'))"
  head -c 3000000 /dev/urandom >"$HACTOR_TEST_SCRATCH/big"
  hactor run -n1 cat <"$HACTOR_TEST_SCRATCH/big" | cmp - "$HACTOR_TEST_SCRATCH/big" || fail "3 MB by $uri"
  fails_with 7 hactor run -n1 sh -c 'exit 7'
  fails_with 130 hactor run -n1 sh -c 'kill -INT $$'
  check_contains "$(python3 -c 'import pty; pty.spawn(["hactor", "run", "--pty", "-n1", "tty"])' </dev/null)" /dev/
  deadline 20 python3 "$HACTOR_TEST_SCRATCH/press.py" || fail "Ctrl-C by $uri"
  check_equal "exec by $uri" yes "$(hactor exec -r 0 echo yes)"
  id=$(hactor submit -n1 sh -c 'sleep 0.2; echo word')
  check_equal "attach by $uri" word "$(hactor job attach "$id")"
  hactor job wait-event -q "$id" clean
  check_equal "list by $uri" "$id" "$(hactor jobs -a -n -o '{id}' "$id")"
  check_contains "$(hactor job eventlog "$id")" finish
  check_equal "Python by $uri" "$local" "$(python3 -c '
import hactor
with hactor.Connection() as c:
    print(c.ask("hello")["uri"])')"
  id=$(hactor submit -n1 true)
  check_contains "$(workflow_probe wait "$id")" 0
  hactor kvs put a="$uri"
  check_equal "kvs by $uri" "$uri" "$(hactor kvs get a)"
  hactor bulksubmit --wait true ::: 1 2 3 >/dev/null
  check_contains "$(hactor top)" "cores ["
  id=$(hactor submit -n1 hactor start sh -c 'hactor getattr uri; exec sleep 1000')
  hactor job wait-event -q "$id" memo
  check_equal "a nested one by $uri" 1 "$(HACTOR_URI=$uri/$id hactor getattr instance-level)"
  check_equal "proxy by $uri" 1 "$(hactor proxy "$id" hactor getattr instance-level)"
  check_equal "its URI by $uri" "$uri/$id" "$(hactor uri "$id")"
  check_equal "for others" "$remote/$id" "$(hactor uri --remote "$id")"
  check_contains "$(hactor pstree)" "hactor"
  check_equal "nested Python by $uri" 1 "$(HACTOR_URI=$uri/$id python3 -c '
import hactor
print(hactor.Connection().ask("hello")["level"])')"
  check_equal "nested run by $uri" in "$(HACTOR_URI=$uri/$id hactor run -n1 echo in)"
  HACTOR_URI=$uri/$id hactor job list >/dev/null
  hactor cancel "$id"
  HACTOR_URI=$uri/f1 fails_with 1 hactor uptime
  check_contains "$output" "no instance"
  # A task's own connection is that of its broker's socket.
  check_equal "URI of tasks by $uri" "$local" "$(hactor run -n1 printenv HACTOR_URI)"
done
check_equal "what ssh was asked" "$(hostname) $(command -v hactor) relay '${local#local://}'" \
  "$(head -n 1 "$HACTOR_TEST_SCRATCH/ssh.said")"
HACTOR_URI=ssh://me@x:22/no/such HACTOR_SSH_RCMD=/opt/x fails_with 1 hactor uptime
check_equal "what ssh was asked" "-p 22 me@x /opt/x relay '/no/such'" "$(tail -n 1 "$HACTOR_TEST_SCRATCH/ssh.said")"
HACTOR_URI=ssh://x/no/such HACTOR_SSH=/no/ssh fails_with 1 hactor uptime
check_contains "$output" /no/ssh
HACTOR_URI=$remote HACTOR_SSH=false fails_with 1 hactor uptime
check_contains "$output" "no instance answers"
HACTOR_URI=ssh://-oProxyCommand=touch/x fails_with 1 hactor uptime
fails_with 1 hactor relay /no/such
check_contains "$output" /no/such

# The token.
export HACTOR_URI=$tcp
cp "$HACTOR_TEST_SCRATCH/key" "$HACTOR_TEST_SCRATCH/copy"
chmod 600 "$HACTOR_TEST_SCRATCH/copy"
HACTOR_TOKEN_FILE=$HACTOR_TEST_SCRATCH/copy hactor uptime >/dev/null
HACTOR_TOKEN_FILE=/no/token fails_with 1 hactor uptime
check_contains "$output" "/no/token"
head -c 32 /dev/urandom >"$HACTOR_TEST_SCRATCH/other"
chmod 600 "$HACTOR_TEST_SCRATCH/other"
HACTOR_TOKEN_FILE=$HACTOR_TEST_SCRATCH/other fails_with 1 hactor uptime
check_contains "$output" "another token than $HACTOR_TEST_SCRATCH/other"
python() { python3 -c 'import hactor; hactor.Connection()'; }
HACTOR_TOKEN_FILE=$HACTOR_TEST_SCRATCH/other fails_with 1 python
check_contains "$output" "another token than $HACTOR_TEST_SCRATCH/other"
chmod 644 "$HACTOR_TEST_SCRATCH/copy"
HACTOR_TOKEN_FILE=$HACTOR_TEST_SCRATCH/copy fails_with 1 python
check_contains "$output" "chmod 600"
HACTOR_TOKEN_FILE=$HACTOR_TEST_SCRATCH/copy fails_with 1 hactor uptime
check_contains "$output" "chmod 600"
echo short >"$HACTOR_TEST_SCRATCH/short"
chmod 600 "$HACTOR_TEST_SCRATCH/short"
HACTOR_TOKEN_FILE=$HACTOR_TEST_SCRATCH/short fails_with 1 hactor uptime
check_contains "$output" "6 bytes"
export HACTOR_TOKEN_FILE="$HACTOR_TEST_SCRATCH/key"
HACTOR_URI=tcp://127.0.0.1:1 fails_with 1 hactor uptime
check_contains "$output" "no instance listens at 127.0.0.1:1"
HACTOR_URI=tcp://no.such.host.invalid:1 fails_with 1 hactor uptime
check_contains "$output" no.such.host.invalid
unset HACTOR_TOKEN_FILE

# Another user has no token, cannot read ours, and cannot use his own.
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
  chmod 711 "$HACTOR_TEST_SCRATCH" "$HACTOR_TEST_SCRATCH/tmp"
  as_other() {
    setpriv --reuid=65534 --regid=65534 --clear-groups env -u HACTOR_INSTANCES HOME="$HACTOR_TEST_SCRATCH/tmp/other" \
      PATH="$HACTOR_TEST_SCRATCH/tmp/other:$PATH" "$@"
  }
  mkdir -p "$HACTOR_TEST_SCRATCH/tmp/other/.config/hactor"
  head -c 32 /dev/urandom >"$HACTOR_TEST_SCRATCH/tmp/other/.config/hactor/key"
  chmod 600 "$HACTOR_TEST_SCRATCH/tmp/other/.config/hactor/key"
  cp "$(command -v hactor)" "$HACTOR_TEST_SCRATCH/tmp/other" # the build may be where others cannot go
  chown -R nobody "$HACTOR_TEST_SCRATCH/tmp/other"
  fails_with 1 as_other hactor uptime
  check_contains "$output" "another token"
  fails_with 1 as_other env HACTOR_TOKEN_FILE="$HACTOR_TEST_SCRATCH/key" hactor uptime
  check_contains "$output" "Permission denied"
  check_equal "what another user sees" "" "$(as_other env HACTOR_INSTANCES="$HACTOR_INSTANCES" hactor ps -n)"
  rm -r "$HACTOR_TEST_SCRATCH/tmp/other"
fi

# Strangers: whatever they send or do not send, others are served meanwhile.
cat >"$HACTOR_TEST_SCRATCH/strangers.py" <<'PY'
import contextlib, os, socket, subprocess, sys
host, port = sys.argv[1].rsplit(":", 1)
def call(data=b""):
    s = socket.create_connection((host, int(port)), 20)
    s.settimeout(20)
    if data:
        s.sendall(data)
    return s
def is_closed(s):
    try:
        return s.recv(1) == b""
    except ConnectionError:
        return True
def served():
    subprocess.run(["hactor", "uptime"], check=True, stdout=subprocess.DEVNULL, timeout=20)
assert is_closed(call(b"GET / HTTP/1.1\r\n\r\n"))
assert is_closed(call(os.urandom(4096)))
frame = b'{"method":"shutdown","params":{}}'  # as by the socket, without a word of who one is
assert is_closed(call(len(frame).to_bytes(4, "little") + b"\x01" + bytes(8) + frame))
s = call(b"HACTORc1" + bytes(32))
answer = s.recv(80, socket.MSG_WAITALL)
assert len(answer) == 80 and answer[:8] == b"HACTORb1"
s.sendall(answer[48:])  # the broker's own proof
assert is_closed(s)
s = call(b"HACTORc1" + bytes(32))
assert s.recv(80, socket.MSG_WAITALL)[8:40] != answer[8:40]  # nothing can be said twice
with contextlib.suppress(ConnectionError):
    s.sendall(bytes(1 << 20))
assert is_closed(s)
slow = [call(b"HACTORc") for _ in range(200)]
served()
assert is_closed(slow[0])
fd = len(os.listdir(f"/proc/{sys.argv[2]}/fd"))
assert fd < 150, fd
for s in slow[-60:]:  # they are let go by time alone
    assert is_closed(s)
served()
PY
broker=$(hactor ps -n -o '{pid}')
deadline 40 python3 "$HACTOR_TEST_SCRATCH/strangers.py" "$address" "$broker" || fail "strangers: see above"
check_equal "jobs are still run" yes "$(hactor run -n1 echo yes)"
END
