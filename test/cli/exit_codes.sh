# One exit code for each kind of mistake, whatever the command: 2 for what has no meaning as it was
# typed, 1 for what has and cannot be done, as there is no such file, user, queue, job or instance.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

check_contains "$(hactor help)" "'hactor help help'"
check_contains "$(hactor help help)" "EXIT STATUS"

instance -S "sched.queues=batch;debug" <<'END'
# CODE TEXT WORDS: each line is a command.
while read -r code text command; do
  case $command in ''|'#'*) continue ;; esac
  fails_with "$code" hactor $command
  check_contains "$output" "$(echo "$text" | tr _ ' ')"
done <<'LINES'
1 /nowhere/x:_No_such_file batch /nowhere/x
1 /nowhere/x:_No_such_file job submit /nowhere/x
1 /nowhere/x:_No_such_file submit --dag /nowhere/x
1 /nowhere/x:_No_such_file submit --add-file=/nowhere/x true
1 /nowhere/x:_No_such_file submit --setattr=^a=/nowhere/x true
1 /nowhere/x:_No_such_file submit --taskmap=hostfile:/nowhere/x true
1 /nowhere/x':_No_such_file submit --env-file=/nowhere/x true
1 /nowhere/x.toml:_No_such_file alloc --conf=/nowhere/x.toml true
1 /nowhere/x:_No_such_file submit --log=/nowhere/x true
1 /nowhere/x:_No_such_file tree --task=/nowhere/x
1 /nowhere/x:_No_such_file graph encode --input=/nowhere/x
1 /nowhere/x:_No_such_file resource attach /nowhere/x
1 is_a_folder batch /
1 is_a_folder job submit /
1 is_a_folder submit --dag /
1 no_queue_'nosuch';_there_are_batch,_debug jobs -q nosuch
1 no_queue_'nosuch';_there_are_batch,_debug job list -q nosuch
1 no_queue_'nosuch';_there_are_batch,_debug watch -q nosuch
1 no_queue_'nosuch';_there_are_batch,_debug pgrep -q nosuch x
1 no_queue_'nosuch';_there_are_batch,_debug queue status -q nosuch
1 nosuch submit -q nosuch true
1 no_user_'nosuch' jobs -u nosuch
1 no_user_'nosuch' events -u nosuch
1 no_user_'nosuch' cancel --all -u nosuch
1 no_user_'nosuch' job killall -u nosuch
1 no_job job attach f3xK2
1 f3xK2 cancel f3xK2
1 nosuch proxy nosuch true
1 nosuch uri nosuch
2 x! jobs x!
2 x! job attach x!
2 x! job info x! R
2 x! job wait x!
2 x! cancel x!
2 x! update x! name=y
2 x! explain x!
2 x! job id x!
2 unknown_option jobs --nosuch
2 operand_is_missing job attach
2 nosuch jobs -f nosuch
2 two submit -n two true
LINES
for command in submit run "batch --wrap"; do
  for option in --job-name --queue --bank --output; do
    fails_with 2 hactor $command $option= true
    check_contains "$output" "$option: ''"
  done
done
check_equal "of one that there is" "" "$(hactor jobs -n -q debug)"
END
instance <<'END'
check_equal "without names" "" "$(hactor jobs -n -q any)"
END
