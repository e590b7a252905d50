# An interactive instance under another resource manager: a stand-in for 'srun --pty --mpi=none'
# starts hactor on a terminal of the step's, passes keys, window size and signals, and takes its
# exit code. The shell edits lines; Ctrl-C ends a foreground command; jobs on terminals hear of the
# window's size; nothing of Slurm's is in the tasks; the instance's end is the shell's.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# What slurmstepd and srun do for --pty, as far as a program notices: the task leads a session of
# its own with the terminal as its controlling one, in the step's environment; the other end is
# srun's, between a person's terminal (standard input) and the step.
cat >srun.py <<'PY'
import fcntl, os, pty, select, signal, struct, sys, termios, tty

def window(fd):
    return fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8)

for name, value in dict(JOBID="4711", JOB_ID="4711", STEP_ID="0", STEPID="0", PROCID="0", LOCALID="0", NODEID="0",
                        NTASKS="1", NPROCS="1", STEP_NUM_TASKS="1", STEP_NUM_NODES="1", NNODES="1",
                        TASKS_PER_NODE="1", STEP_TASKS_PER_NODE="1", JOB_NODELIST="here", STEP_NODELIST="here",
                        NODELIST="here", LAUNCH_NODE_IPADDR="127.0.0.1", SRUN_COMM_HOST="127.0.0.1",
                        SRUN_COMM_PORT="1", STEP_LAUNCHER_PORT="1", PTY_PORT="1", PTY_WIN_COL="97",
                        PTY_WIN_ROW="31", MPI_TYPE="none", GTIDS="0", CPUS_ON_NODE="4",
                        TASK_PID=str(os.getpid())).items():
    os.environ["SLURM_" + name] = value
os.environ["SLURMD_NODENAME"] = "here"

person = 0
pid, step = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def resize(*_):
    fcntl.ioctl(step, termios.TIOCSWINSZ, window(person))
resize()
before = termios.tcgetattr(person)
tty.setraw(person, termios.TCSANOW) # what was typed already is kept
signal.signal(signal.SIGWINCH, resize)
while True:
    for fd in select.select([person, step], [], [])[0]:
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b""
        if not data and fd == step:
            termios.tcsetattr(person, termios.TCSADRAIN, before)
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
        os.write(step if fd == person else 1, data)
PY

cat >person.py <<'PY'
# Somebody at a terminal, who types and reads.
import fcntl, os, pty, select, struct, sys, termios, time

def size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

pid, fd = pty.fork()
if pid == 0:
    size(0, 31, 97)
    os.environ.update(SHELL="/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh", TERM="xterm", HISTFILE="")
    os.execvp("python3", ["python3", "srun.py", "hactor", "start", *sys.argv[1:]])
seen = ""
def wait_for(text):
    global seen
    end = time.monotonic() + 20
    while text not in seen:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit("no %r in %r" % (text, seen))
        try:
            seen += os.read(fd, 4096).decode(errors="replace")
        except OSError:
            sys.exit("the end instead of %r in %r" % (text, seen))
    seen = seen[seen.index(text) + len(text):]
def type(text):
    os.write(fd, text.encode())

# Words are broken by quotes where they are typed, so that their echo is not taken for the answer.
type("PS1='rea''dy> '; echo size=$(hactor getattr size) pro''mpt\r")
wait_for("size=1 prompt")
def run(line, *answers):
    wait_for("ready> ")
    type(line + "\r")
    for answer in answers:
        wait_for(answer)
run("stty size", "31 97")
# The line is edited: five rubbed out; with bash also by its keys, to the begin and back.
run("echo wrong" + 5 * "\x7f" + "ri''ght", "right")
if os.path.exists("/bin/bash"):
    run("cho be''gin\x01e\x05-e''nd", "begin-end")
# Ctrl-C ends what runs in the foreground: a command, a job, not the shell and not the instance.
run("sh -c \"echo be''gun; exec sleep 60\"", "begun")
type("\x03")
run("echo code''=$?", "code=130")
run("hactor run sh -c 'echo job-''begun; exec sleep 60'", "job-begun")
type("\x03")
wait_for("again within")
type("\x03")
run("echo code''=$? $(hactor jobs -a -n -o '{result}' -c 1) $(hactor getattr size)", "code=", "CANCELED 1")
# Ctrl-Z stops a command and leaves the shell; it goes on in the foreground.
run("sh -c 'echo wa\"\"its; read -r x; echo got-$x'", "waits")
type("\x1a")
run("fg", "read -r x") # what the shell says goes on
type("word\r")
wait_for("got-word")
# The window's size comes to a job on a terminal of its own, and to the shell.
run("hactor run --pty sh")
type("stty size; echo in-''job; PS1='in''ner> '\r")
wait_for("31 97")
wait_for("in-job")
size(fd, 40, 120)
type("until stty size | grep -q '^40 120$'; do :; done; echo res''ized\r")
wait_for("resized")
wait_for("inner> ")
type("dropped\x03") # at its prompt Ctrl-C only drops the line
wait_for("inner> ")
type("exit 7\r")
run("echo job''=$?; stty size", "job=7", "40 120")
# Tasks are hactor's, and of no Slurm step.
run("hactor run -n 2 sh -c 'env | grep -c ^SLURM || true'", "0\r\n0\r\n")
run("hactor run sh -c 'echo id=$HACTOR_JOB_ID'", "id=f")
wait_for("ready> ")
type("exit 5\r")
while True:
    try:
        if not os.read(fd, 4096):
            break
    except OSError:
        break
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if code != 5:
    sys.exit("exit code %d" % code)
PY
deadline 55 python3 person.py -S resource.fake=nodes=1,cores=4
# A hang-up of the terminal ends the instance with all that runs in it.
cat >hangup.py <<'PY'
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp("python3", ["python3", "srun.py", "hactor", "start", "sh", "-c",
                          "hactor submit --quiet sleep 1000; echo up; exec sleep 1000"])
seen = b""
while b"up" not in seen:
    seen += os.read(fd, 4096)
os.close(fd) # the person's window is closed: srun is ended by the hang-up, its step's terminal with it
os.waitpid(pid, 0)
PY
deadline 20 python3 hangup.py
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  [ -n "$(left_processes)" ] || break
  deadline 5 tail --pid="$(left_processes | head -1)" -f /dev/null || true
done
