# Whichever of hactor-start's processes is killed with -9, no task of a task outlives the instance.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >script <<'END'
hactor submit --quiet -n "$1" sh -c 'trap "" TERM; setsid sleep 1000 & sleep 1000; :'
hactor job wait-event -q "$(hactor jobs -n -o '{id}')" start
hactor exec -r $(($1 - 1)) sh -c 'echo $PPID' >up
sleep 1000
END
ended() {
  deadline 20 sh -c 'while grep -qs "^State:.[^Z]" /proc/$1/status; do sleep 0.1; done' sh "$1" || fail "hangs after SIGKILL of the $victim: $(cat out)"
}
victims="guard supervisor launcher"
[ "$launcher" = mpich ] || victims="guard supervisor" # a killed mpirun leaves shared memory of its own
for victim in $victims; do
  rm -f up
  mkfifo up
  $(launch_words) hactor-start -S exec.kill_timeout=0.3s -- sh script "$ranks" </dev/null >out 2>&1 &
  instance=$!
  read -r supervisor <up
  guard=$(ps -o ppid= -p "$supervisor")
  case $victim in
    guard) kill -9 $guard ;;
    supervisor) kill -9 "$supervisor" ;;
    launcher) kill -9 "$instance" ;;
  esac
  [ $victim != supervisor ] || [ "$ranks" = 1 ] || kill -TERM "$instance" # the others go on
  ended "$instance"
  for _ in $(seq 150); do
    [ -n "$(left_processes)" ] || break
    sleep 0.1
  done
  (check_nothing_left)
done
