# The scheduler is taken out of use and into use again while jobs run: nothing starts meanwhile, and
# who runs keeps what it has.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=2,cores=2 <<'END'
held() { hactor resource list -n -o '{state} {ncores}' | sed -n 2p; }
forever="-t 10m --setattr=exec.test.run_duration=600 true"
long=$(hactor submit -n 3 $forever)
hactor job wait-event "$long" start >/dev/null
large=$(hactor submit -N 2 -n 4 -t 1m --setattr=exec.test.run_duration=600 true)
small=$(hactor submit -n 1 -t 1m true)
check_contains "$(hactor explain "$small")" "behind: 1 job is ahead (fcfs)"

# Without a scheduler: jobs are taken and wait, running ones go on, cancelling works.
check_contains "$(hactor scheduler unload)" "the scheduler is not loaded"
check_contains "$(hactor explain "$small")" "unloaded: the scheduler is not loaded"
check_contains "$(hactor jobs -n -o '{contextual_info}' "$small")" "the scheduler is not loaded"
check_equal "running" RUN "$(hactor jobs -n -o '{state}' "$long")"
later=$(hactor submit -n 1 -t 1m true)
never=$(hactor submit -n 99 true)
gone=$(hactor submit -n 1 true)
hactor cancel "$gone"
hactor job wait-event "$gone" clean >/dev/null
fails_with 1 hactor scheduler unload
check_contains "$output" "not loaded"
fails_with 1 hactor queue list
check_contains "$output" "'hactor scheduler load'"
fails_with 1 hactor resource set-property /cluster0/fake0 x
check_contains "$output" "'hactor scheduler load'"
check_equal "status" "the scheduler is not loaded: jobs wait" "$(hactor scheduler status | head -1)"
check_equal "what the long one holds" "allocated 3" "$(held)"

# A wrong policy is refused; with a right one the small job passes, and no core is given twice.
fails_with 2 hactor scheduler load -S sched.policy=lifo
check_contains "$output" "there are fcfs, easy, hybrid and conservative"
fails_with 1 hactor scheduler load -S resource.graph=x
check_contains "$output" "resource.graph: is fixed while the instance runs"
fails_with 2 hactor scheduler load -S sched.policy
check_contains "$(hactor scheduler load -S sched.policy=easy)" "sched.policy=easy"
hactor job wait "$small" >/dev/null
hactor job wait "$later" >/dev/null
check_equal "easy" easy "$(hactor queue list -n -o '{policy}')"
check_equal "attribute" easy "$(hactor getattr sched.policy)"
check_equal "what the long one holds" "allocated 3" "$(held)"
check_contains "$(hactor explain "$large")" "reserved: "
check_contains "$(hactor explain "$large")" "behind job $long"
fails_with 1 hactor job wait "$never"
check_contains "$(hactor explain "$never")" unsatisfiable
fails_with 1 hactor scheduler load
check_contains "$output" "hactor scheduler reload"

# A wrong reload leaves the old one.
fails_with 2 hactor scheduler reload -S x=y
check_contains "$output" "there is no attribute 'x'"
fails_with 2 hactor scheduler reload -S sched.policy=lifo
fails_with 2 hactor scheduler reload -S sched.match=sideways
check_equal "easy still" easy "$(hactor queue list -n -o '{policy}')"
check_contains "$(hactor explain "$large")" "reserved: "

# Queues: stopped ones stay so; jobs of one that would be no more keep it.
hactor cancel "$large"
hactor job wait-event "$large" clean >/dev/null
hactor scheduler reload -S 'sched.queues=batch policy=fcfs; debug' >/dev/null
hactor queue stop -q batch --quiet
waits=$(hactor submit -q batch -n 1 true)
fails_with 1 hactor scheduler reload -S 'sched.queues=debug'
check_contains "$output" "jobs wait in queue batch"
hactor scheduler reload -S sched.match=low >/dev/null
check_contains "$(hactor explain "$waits")" "queue batch is stopped"
hactor queue start -q batch --quiet
hactor job wait "$waits" >/dev/null

# What was attached stays, and who holds some of it; what ends gives its room back.
cat >licence.json <<'JGF'
{"graph": {"nodes": [{"id": "1", "metadata": {"type": "license", "id": 0, "size": 2,
  "paths": {"containment": "/cluster0/license0"}}}], "edges": []}}
JGF
cat >rack.json <<'JGF'
{"graph": {"nodes": [{"id": "1", "metadata": {"type": "node", "id": 7, "rank": 7,
  "paths": {"containment": "/cluster0/node7"}}}, {"id": "2", "metadata": {"type": "core", "id": 0}}],
  "edges": [{"source": "1", "target": "2"}]}}
JGF
cat >seats.yaml <<'YAML'
version: 9999
resources: [{type: license, count: 2}, {type: slot, label: task, count: 1, with: [{type: core, count: 1}]}]
tasks: [{command: ["true"], slot: task, count: {per_slot: 1}}]
attributes: {system: {duration: 600, queue: debug, exec: {test: {run_duration: "600s"}}}}
YAML
hactor resource attach licence.json >/dev/null
hactor resource attach rack.json >/dev/null
hactor resource drain 7
seats=$(hactor job submit seats.yaml)
hactor job wait-event "$seats" start >/dev/null
hactor resource set-status /cluster0/node7 down
hactor scheduler reload >/dev/null
check_equal "seats" "/cluster0/license0: license, 0 of 2 free" \
  "$(hactor resource show /cluster0/license0)"
check_equal "nodes" "3 Nodes, 5 Cores, 0 GPUs" "$(hactor resource info)"
hactor resource undrain 7
check_contains "$(hactor resource list -n -o '{state} {nodelist}')" "down node7"
hactor cancel "$seats"
hactor job wait-event "$seats" clean >/dev/null
check_equal "seats" "/cluster0/license0: license, 2 of 2 free" \
  "$(hactor resource show /cluster0/license0)"
check_equal "what the long one holds" "allocated 3" "$(held)"
hactor cancel "$long"
hactor job wait-event "$long" clean >/dev/null
check_equal "nothing" "allocated 0" "$(held)"
END

# Under load: every job runs, and no core is in two hands.
instance -S resource.fake=nodes=4,cores=4 <<'END'
hactor submit --cc=1-600 -n 1 --setattr=exec.test.run_duration=0.02 true >ids
for policy in easy fcfs conservative hybrid easy; do
  hactor scheduler reload -S "sched.policy=$policy" >/dev/null
done
hactor scheduler unload >/dev/null
hactor scheduler load >/dev/null
deadline 30 hactor job status $(cat ids)
check_equal "all done" 600 "$(hactor jobs -a -n -c 0 -o '{result}' | grep -c COMPLETED)"
check_lacks "$(hactor dmesg)" "runs on what another holds"
END
