# Tasks are spread as asked; each knows its rank, its size and its place on its node.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance --oversubscribe <<'END'
hactor run -N 2 -n 4 sh -c '
  echo "$HACTOR_TASK_RANK $HACTOR_TASK_LOCAL_ID $HACTOR_JOB_SIZE $HACTOR_JOB_NNODES"' | sort >tasks
check_equal "tasks" "0 0 4 2,1 1 4 2,2 0 4 2,3 1 4 2" "$(paste -sd, tasks)"
hactor run -N 4 hactor getattr rank | sort >where
check_equal "brokers" "0 1 2 3" "$(xargs <where)"
fails_with 9 hactor run -N 4 sh -c 'test $HACTOR_TASK_RANK != 2 || exit 9'
fails_with 127 hactor run -N 4 no-such-program
# All write one file, which is there already: nobody's word is lost.
i=0
while [ $((i += 1)) -le 30 ]; do
  hactor run -o shared -N 4 -n 4 sh -c 'echo $HACTOR_TASK_RANK'
  check_equal "what all wrote into one file, round $i" "0 1 2 3" "$(sort shared | xargs)"
done
check_equal "shells left" 0 "$(hactor stats | python3 -c '
import json, sys
print(json.load(sys.stdin)["exec"]["shells"])')"
END
