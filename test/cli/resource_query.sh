# resource-query and 'hactor graph query' are one: requests are matched, reserved, released and found
# again by commands on standard input, with the answers on the streams that Fluxion's tool uses.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >R <<'END'
{"version": 1, "execution": {"R_lite": [{"rank": "0-1", "children": {"core": "0-1"}}],
 "nodelist": ["host[0-1]"], "starttime": 0, "expiration": 0}}
END
cat >job.yaml <<'END'
version: 1
resources:
  - type: node
    count: 1
    with:
      - type: slot
        count: 1
        label: task
        with:
          - type: core
            count: 2
tasks:
  - command: app
    slot: task
    count:
      per_slot: 1
attributes:
  system:
    duration: 3600
END
cat >commands <<'END'
# comments and empty lines are passed over

match allocate job.yaml
match allocate job.yaml
match allocate job.yaml
match allocate_orelse_reserve job.yaml
cancel 1
match allocate missing.yaml
info 2
quit
match allocate job.yaml
END
rule="INFO: ============================="
cat >expected <<END
      ---------core0[1:x]
      ---------core1[1:x]
      ------host0[1:s]
      ---cluster0[1:s]
$rule
INFO: JOBID=1
INFO: RESOURCES=ALLOCATED
INFO: SCHEDULED AT=Now
$rule
      ---------core0[1:x]
      ---------core1[1:x]
      ------host1[1:s]
      ---cluster0[1:s]
$rule
INFO: JOBID=2
INFO: RESOURCES=ALLOCATED
INFO: SCHEDULED AT=Now
$rule
$rule
INFO: No matching resources found
INFO: JOBID=3
$rule
      ---------core0[1:x]
      ---------core1[1:x]
      ------host0[1:s]
      ---cluster0[1:s]
$rule
INFO: JOBID=4
INFO: RESOURCES=RESERVED
INFO: SCHEDULED AT=3600
$rule
END
options="-L R -f rv1exec -P low"

resource-query $options -t results <commands >screen 2>errors
cmp expected results || fail "resource-query: $(diff expected results)"
check_contains "$(cat screen)" "INFO: 2, ALLOCATED, 0, job.yaml, "
check_equal "errors" "ERROR: can't open missing.yaml" "$(cat errors)"

hactor graph query $options --test-output=results2 <commands >/dev/null 2>&1
cmp results results2 || fail "hactor graph query differs from resource-query"

# Another name of it.
rq2 $options -t results3 <commands >screen3 2>errors3
cmp results results3 || fail "rq2 differs from resource-query"

# Without quit the end of the input ends the session; long options may be shortened.
printf 'match allocate job.yaml\n' | resource-query --load-file=R --load-fo=rv1exec --match-f rv1_nosched -P low >out
check_contains "$(cat out)" '"R_lite": [{"rank": "0", "children": {"core": "0-1"}}], "nodelist": ["host0"]'

# Slots side by side are a choice for the flexible traverser; their labels need not differ.
cat >either.yaml <<'END'
version: 9999
resources:
  - {type: slot, count: 1, label: task, with: [{type: core, count: 3}]}
  - {type: slot, count: 1, label: task, with: [{type: core, count: 2}]}
tasks: [{command: app, slot: task, count: {per_slot: 1}}]
attributes: {system: {duration: 60}}
END
printf 'match allocate either.yaml\n' >either
resource-query $options -T flexible <either >out
check_contains "$(head -4 out | tr -d '\n ')" '---------core0[1:x]---------core1[1:x]------host0[1:s]'
sed 's/slot, /xor_slot, /' either.yaml >xor.yaml
printf 'match allocate xor.yaml\n' | resource-query $options -T flexible >out2
cmp out out2 || fail "xor_slot differs: $(diff out out2)"
fails_with 1 resource-query $options -T stiff

# Filters change nothing but speed, and none at all is one of them.
untimed() { sed 's/, [0-9.e-]*$//'; }
resource-query $options <commands 2>&1 | untimed >as_it_is
for filters in "" ALL:core ALL:core,ALL:node node:core; do
  resource-query $options --prune-filters="$filters" <commands 2>&1 | untimed >filtered
  cmp as_it_is filtered || fail "--prune-filters=$filters: $(diff as_it_is filtered)"
done

# An allowlist is for hwloc's files; of others it is said that all is loaded, as Fluxion says it.
resource-query $options -W core <commands 2>listed | untimed >kept
check_contains "$(head -1 listed)" "WARN: --load-allowlist: files of rv1exec are loaded as they are"
resource-query $options <commands 2>all | untimed >kept2
cmp kept kept2 || fail "an allowlist changed what is not hwloc's"
check_contains "$(hactor graph info -L R -f rv1exec -W core 2>&1)" "files of rv1exec"
check_contains "$(printf 'match allocate job.yaml -5\n' | resource-query $options 2>&1)" "invalid time -5"

fails_with 0 resource-query --help
check_contains "$output" "--match-policy"
fails_with 1 resource-query -L missing
check_contains "$output" "[ERROR] --load-file: file does not exist: missing"
fails_with 1 resource-query $options -F xml
fails_with 1 resource-query $options extra
fails_with 1 resource-query $options -P fastest
check_contains "$output" "fastest"
fails_with 1 resource-query -L job.yaml -f jgf
