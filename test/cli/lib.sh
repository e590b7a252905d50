# What every test of this folder shares; sourced first, by the test and by the scripts that it runs
# in instances. HACTOR_TEST_LAUNCH says what starts an instance: "alone", "mpich N" or "openmpi N".
# SPDX-License-Identifier: LGPL-3.0-or-later
set -eu

launcher=${HACTOR_TEST_LAUNCH:-alone}
case $launcher in
  alone) ranks=1 ;;
  *) ranks=${launcher#* } launcher=${launcher%% *} ;;
esac

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 99
}

# CTest counts this exit code as "skipped".
skip() {
  printf 'SKIPPED: %s\n' "$*"
  exit 77
}

# Sets `guests`: of which MPIs there are programs to be jobs. Without any the test is skipped.
find_guests() {
  guests=
  for mpi in mpich openmpi; do
    [ ! -x "$HACTOR_TEST_BUILD/bin/guest_$mpi" ] || guests="$guests $mpi"
  done
  [ -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-pmix" ] || guests=${guests% openmpi}
  [ -n "$guests" ] || skip "no MPI is here to build a guest"
  # Of which tests may run as root.
  export guests OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
}

check_equal() { # WHAT EXPECTED FOUND
  [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
}

check_contains() { # TEXT PART
  case $1 in
    *"$2"*) ;;
    *) fail "expected '$2' in: $1" ;;
  esac
}

check_lacks() { # TEXT PART
  case $1 in
    *"$2"*) fail "did not expect '$2' in: $1" ;;
  esac
}

# Ends the command when it takes longer; a test that waits for what never comes says so early.
deadline() { # SECONDS COMMAND...
  seconds=$1 late=0
  shift
  timeout -k 5 "$seconds" "$@" || late=$?
  [ "$late" != 124 ] || printf 'not over within %s s: %s\n' "$seconds" "$*" >&2
  return "$late"
}

# Asks again until the answer is yes.
eventually() { # SECONDS COMMAND...
  times=$(($1 * 5))
  shift
  until "$@"; do
    [ $((times -= 1)) -gt 0 ] || fail "never came true: $*"
    sleep 0.2
  done
}

# Runs the command, whose output (both streams) is then in $output; checks its exit code.
fails_with() { # CODE COMMAND...
  code=$1
  shift
  found=0
  output=$("$@" 2>&1 </dev/null) || found=$?
  check_equal "exit code of '$*' (which said: $output)" "$code" "$found"
}

# Reads '{t_submit} {t_inactive}' of jobs; prints how many of them there were at once at most.
most_at_once() {
  awk '{ print $1, 1; print $2, -1 }' | LC_ALL=C sort -k1,1n -k2,2n |
    awk '{ there += $2; if (there > most) most = there } END { print most + 0 }'
}

# The words in front of hactor-start. HACTOR_TEST_FRAGILE: without the flags by which the others go
# on when a rank is lost.
launch_words() {
  case $launcher in
    mpich) echo mpiexec.mpich ${HACTOR_TEST_FRAGILE:--disable-auto-cleanup} -launcher fork -n "$ranks" ;;
    openmpi)
      echo mpirun.openmpi --allow-run-as-root --oversubscribe \
        ${HACTOR_TEST_FRAGILE:---mca orte_allowed_exit_without_sync 1} -n "$ranks" ;;
  esac
}

# What hangs shall say why before it is ended: all processes, what the threads of each broker are in
# (system calls by their numbers), what the brokers wait for, and where their PMIx servers are.
say_waits() {
  all=$(left_processes | tr '\n' ' ')
  ps -o pid,ppid,stat,wchan:20,args -p "$(echo $all | tr ' ' ,)"
  for process in $all; do
    ! grep -qs '^hactor-pmix$' /proc/"$process"/comm || ! command -v gdb >/dev/null ||
      timeout 20 gdb -p "$process" -batch -ex 'thread apply all backtrace 8' | grep '^Thread\|^#'
    grep -qs '^hactor-io$' /proc/"$process"/task/*/comm || continue
    for thread in /proc/"$process"/task/*; do
      echo "$process: $(cat "$thread/comm"): $(cut -d' ' -f1,2 "$thread/syscall")"
    done
    kill -USR1 "$process"
  done
} 2>/dev/null

# Starts an instance in the foreground, with our standard input, and returns its exit code.
start() { # [OPTION...] [--] COMMAND [ARGUMENT...]
  (
    exec 3>&2 2>/dev/null # a shell tells of children that are ended
    env -u HACTOR_TEST_TAG sleep $((${start_seconds:-50} - 6)) && say_waits >&3
  ) </dev/null >/dev/null &
  witness=$!
  start_code=0
  deadline "${start_seconds:-50}" $(launch_words) hactor-start "$@" || start_code=$?
  { pkill -P "$witness"; kill "$witness"; wait "$witness"; } 2>/dev/null || true
  return "$start_code"
}

# Runs the lines of standard input as the script of a new instance.
instance() { # [OPTION...]
  scripts=$((${scripts:-0} + 1))
  { echo '. "$HACTOR_TEST_LIB"' && cat; } >"$scratch/script.$scripts"
  start "$@" -- sh "$scratch/script.$scripts" </dev/null
}

# The pids of all that was started by this test and is still there. Its environment tells.
left_processes() {
  env -u HACTOR_TEST_TAG sh -c '
    grep -lszx "HACTOR_TEST_TAG=$1" /proc/[0-9]*/environ | cut -d/ -f3' sh "$HACTOR_TEST_TAG"
}

# A launcher's own helpers may take a moment to follow it; hactor alone has none.
check_nothing_left() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    left=$(left_processes || true)
    [ -n "$left" ] && [ "$launcher" != alone ] || break
    sleep 0.2
  done
  # Who has ended and waits for its parent to look is nobody's fault here.
  [ -z "$left" ] || left=$(ps -o pid=,stat= -p "$(echo $left | tr ' ' ,)" | awk '$2 !~ /^Z/ { print $1 }')
  if [ -n "$left" ]; then
    ps -o pid,ppid,stat,args -p "$(echo $left | tr ' ' ,)" >&2 || true
    kill -9 $left 2>/dev/null || true
    fail "processes are left behind"
  fi
  folders=$(find "$TMPDIR" -maxdepth 1 -name 'hactor-*')
  [ -z "$folders" ] || [ -n "${run_folder_stays:-}" ] || fail "left behind: $folders"
  [ -z "$(find /dev/shm -name '*hactor*')" ] || fail "left behind in /dev/shm: $(ls /dev/shm)"
}

at_end() {
  code=$?
  trap - EXIT
  if [ "$code" -eq 0 ]; then
    (check_nothing_left) || code=$?
  else
    left=$(left_processes || true)
    [ -z "$left" ] || kill -9 $left 2>/dev/null || true
  fi
  cd /
  eval "${on_end:-}"
  rm -rf "$scratch"
  exit "$code"
}

if [ -z "${HACTOR_TEST_TAG:-}" ]; then
  unset HACTOR_URI
  HACTOR_TEST_LIB=$(cd "$(dirname "$0")" && pwd)/lib.sh
  scratch=$(mktemp -d /tmp/hct.XXXXXX) # short: a socket's path has 107 bytes
  HACTOR_TEST_TAG=$scratch
  HACTOR_TEST_SCRATCH=$scratch
  TMPDIR=$scratch/tmp
  mkdir "$TMPDIR"
  cd "$scratch"
  HACTOR_INSTANCES=$scratch/instances # not those of the person who runs the tests ...
  XDG_STATE_HOME=$scratch/logs # ... nor their logs of jobs
  export HACTOR_TEST_LIB HACTOR_TEST_TAG HACTOR_TEST_SCRATCH TMPDIR HACTOR_INSTANCES XDG_STATE_HOME
  trap at_end EXIT
  trap 'exit 98' TERM INT HUP
else
  scratch=$HACTOR_TEST_SCRATCH
fi
