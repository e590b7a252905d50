# Instances one after another in the same job: each starts at once when the one before has ended, on
# all nodes; and what ends an instance from outside ends its script.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

nodes=$((ranks > 2 ? ranks : 2))
instance -S "resource.fake=nodes=$nodes,cores=2" -S exec.kill_timeout=2s <<'END'
deadline 40 hactor run -N 2 sh -c '
  for i in $(seq 20); do
    hactor start sh -c "hactor run -N 2 -n 2 hactor jobs -n && hactor jobs -a -n -o {name}"
  done' >said 2>&1
check_equal "instances that ran their job (said: $(sort said | uniq -c))" 20 \
  "$(grep -cx ' *hactor' said)"
check_lacks "$(cat said)" "hactor-"

# A second one at the same time is refused.
fails_with 0 deadline 20 hactor run sh -c \
  'mkfifo up
   hactor start sh -c "echo up >up; exec sleep 1000" &
   read -r line <up
   hactor start true
   echo "code $?"'
check_contains "$output" "has an instance already; one job can have one at a time"
check_contains "$output" "code 1"

# shutdown, from inside and from outside.
fails_with 143 deadline 20 hactor run -N 2 -n 2 hactor start sh -c 'hactor shutdown; exec sleep 1000'
fails_with 4 deadline 20 hactor run hactor start sh -c \
  'trap "exit 4" TERM; hactor shutdown; sleep 1000 & wait; kill $!'
id=$(deadline 20 hactor alloc --bg -N 2)
hactor proxy "$id" hactor submit --quiet -N 2 -n 2 sleep 1000
hactor proxy "$id" hactor shutdown
fails_with 143 deadline 20 hactor job status "$id"
check_equal "tasks, of which one is this script" 1 \
  "$(hactor stats | sed -n 's/.*"tasks": \([0-9]*\).*/\1/p')"
END
