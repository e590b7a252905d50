# A debugger that runs 'hactor run' or 'hactor job attach' finds the tasks by the MPIR interface.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
command -v gdb >/dev/null || skip "gdb is not installed"
ptrace_works=$(gdb -nx -batch -ex 'set startup-with-shell off' -ex 'starti' /bin/true 2>&1) || true
case $ptrace_works in
  *"Program stopped"*) ;;
  *) skip "this machine does not let gdb trace: $ptrace_works" ;;
esac
cat >task.sh <<'END'
echo "$HACTOR_TASK_RANK $$"
END
# What a debugger does: it waits in MPIR_Breakpoint and reads the table.
cat >commands <<'END'
set pagination off
set confirm off
set startup-with-shell off
set disable-randomization off
set debuginfod enabled off
set breakpoint pending on
break MPIR_Breakpoint
run
printf "state %d size %d\n", MPIR_debug_state, MPIR_proctable_size
printf "0 %d\n", MPIR_proctable[0].pid
printf "1 %d\n", MPIR_proctable[1].pid
printf "%s on %s\n", MPIR_proctable[1].executable_name, MPIR_proctable[1].host_name
END
start_seconds=140
instance -S resource.fake=nodes=2,cores=2 <<'END'
debugger() { deadline 40 gdb -nx -batch "$@" 2>&1; }

# Nobody debugs: the tasks stop, and go on.
check_equal "run --debug" "0 1" "$(hactor run --debug -l -n 2 sh -c 'echo $HACTOR_TASK_RANK' | cut -d' ' -f2 | sort | xargs)"

# A simple debugger: the table has the tasks themselves, which have done nothing yet.
said=$(debugger -x commands -ex 'shell cat out.* | wc -l' -ex continue \
  --args "$(command -v hactor)" run --debug -n 2 -N 2 -o out.%t sh task.sh)
check_contains "$said" "state 1 size 2"
check_contains "$said" "
0
" # lines in their files
for task in 0 1; do
  [ -s out.$task ] || fail "task $task has not run: $said"
  check_contains "$said" "
$(cat out.$task)
"
done
check_contains "$said" "$(readlink -f "$(command -v sh)") on "
check_contains "$said" "exited normally"

# One that has made itself known lets the tasks go on itself.
cat >known <<'GDB'
set MPIR_being_debugged = 1
shell hactor job kill -s CONT $(hactor job last)
continue
GDB
said=$(debugger -ex 'set breakpoint pending on' -ex 'set startup-with-shell off' \
  -ex 'set disable-randomization off' -ex 'break main' -ex run -ex 'set MPIR_being_debugged = 1' \
  -ex 'break MPIR_Breakpoint' -ex continue -ex 'printf "size %d\n", MPIR_proctable_size' \
  -x known --args "$(command -v hactor)" run -n 2 sh task.sh)
check_contains "$said" "size 2"
check_contains "$said" "exited normally"

# Who attaches later sees them too, and a job that fails says why.
mkfifo go
id=$(hactor submit -n 2 -N 2 -O stop-tasks-in-exec sh -c 'read x <go; exit 3')
hactor job wait-event -q "$id" start
said=$(debugger -x commands -ex 'shell hactor cancel '"$id" -ex continue \
  -ex 'printf "state %d: %s\n", MPIR_debug_state, MPIR_debug_abort_string' -ex continue \
  --args "$(command -v hactor)" job attach --debug "$id")
check_contains "$said" "state 1 size 2"
check_contains "$said" "state 2: cancel"
END
