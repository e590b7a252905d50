# Programs hold resources of a running instance through REAPI, in C and C++: no job gets them, they
# get nothing of jobs, and they end with their program unless they are to stay.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v cc >/dev/null && command -v c++ >/dev/null || skip "there is no compiler"
cmake --install "$HACTOR_TEST_BUILD" --prefix "$scratch/prefix" >/dev/null
examples=${HACTOR_TEST_LIB%/test/cli/*}/examples/reapi
flags="-I$scratch/prefix/include -L$scratch/prefix/lib -Wl,-rpath,$scratch/prefix/lib"
# shellcheck disable=SC2086 # one word a flag
cc -std=c11 -Wall -Wextra -Werror -o "$scratch/claims" "$examples/claims.c" $flags -lhactor_reapi
# shellcheck disable=SC2086 # one word a flag
c++ -std=c++17 -Wall -Wextra -Werror -o "$scratch/lend" "$examples/lend.cpp" $flags -lhactor_reapi

cd "$scratch"
spec() { # FILE NODES CORES DURATION
  cat >"$1" <<END
version: 1
resources: [{type: node, count: $2, with: [{type: slot, count: 1, label: s, with: [{type: core, count: $3}]}]}]
tasks: [{command: [app], slot: s, count: {per_slot: 1}}]
attributes: {system: {duration: $4}}
END
}
spec one.yaml 1 4 3600
spec two.yaml 2 4 3600
spec three.yaml 3 4 3600
spec short.yaml 2 4 600
echo 'attributes: {}' >bad.yaml
echo '{"version":1,"execution":{"R_lite":[{"rank":"1","children":{"core":"0-3"}}]}}' >rank1.json
echo '{"version":1,"execution":{"R_lite":[{"rank":"9","children":{"core":"0-3"}}]}}' >rank9.json

# Lines for one program, whose answers come one by one.
ask() { # LINE
  echo "$1" >&3
  read -r answer <&4 || fail "no answer to '$1'"
}
begin() { # ARGUMENTS
  rm -f in out
  mkfifo in out
  ./claims "$@" <in >out &
  program=$!
  exec 3>in 4<out
}
end() {
  exec 3>&- 4<&-
  wait "$program" || true
}
allocated() { hactor resource list -n -o '{state} {ncores}' | sed -n 's/allocated //p'; }

cat >run.sh <<'END'
begin
ask "match allocate 1 one.yaml"
check_contains "$answer" '"children":{"core":"0-3"}'
check_equal "cores allocated" 4 "$(allocated)"
check_contains "$(hactor resource claims -n -o '{number} {status} {ncores}')" "1 ALLOCATED 4"
id=$(hactor submit -N 2 -n 2 -c 4 true)
hactor job wait-event -t 20 "$id" priority >/dev/null
check_contains "$(hactor explain "$id")" "there is room for 1 node now"

# What is not to be had, and why.
ask "match allocate 1 one.yaml"; check_contains "$answer" "EEXIST"
ask "match allocate 2 two.yaml"; check_contains "$answer" "EBUSY"
ask "match allocate 2 three.yaml"; check_contains "$answer" "EBUSY"
ask "match allocate_with_satisfiability 2 three.yaml"; check_contains "$answer" "ENODEV"
ask "match satisfiability 2 three.yaml"; check_contains "$answer" "ENODEV"
ask "match satisfiability 2 two.yaml"; check_contains "$answer" "ok"
ask "match allocate 2 bad.yaml"; check_contains "$answer" "EINVAL"
ask "match nonsense 2 one.yaml"; check_contains "$answer" "EINVAL"
ask "cancel 77"; check_contains "$answer" "ENOENT"
ask "info 77"; check_contains "$answer" "ENOENT"
ask "update 2 rank9.json"; check_contains "$answer" "EINVAL"
ask "match without_allocating 2 one.yaml"; check_contains "$answer" '"rank":"1"'
ask "match without_allocating_future 2 two.yaml"; check_contains "$answer" '"rank":"0-1"'
ask "info 2"; check_contains "$answer" "ENOENT"
ask "info 1"; check_contains "$answer" "ok no"
ask "stat"; check_contains "$answer" "ok 11 vertices, 10 edges, 1 jobs"
ask "find sched-now=allocated"; check_contains "$(echo "$answer" | tr -d ' ')" '"rank":"0"'
fails_with 1 hactor resource detach rank0/core0
check_contains "$output" "claim 1 holds some of rank0/core0"
hactor scheduler reload >/dev/null
check_equal "cores allocated after a reload" 4 "$(allocated)"
hactor scheduler unload >/dev/null
ask "info 1"; check_contains "$answer" "ENOSYS"
check_equal "cores allocated without a scheduler" 4 "$(allocated)"
hactor scheduler load >/dev/null

# Given back, they are the waiting job's.
ask "cancel 1"
check_contains "$answer" "ok"
hactor job wait-event -t 20 "$id" clean >/dev/null

# R of somebody else, in use or not.
ask "update 3 rank1.json"; check_contains "$answer" '"rank":"1"'
ask "update 4 rank1.json"; check_contains "$answer" "EBUSY"
ask "part 3 rank1.json"; check_contains "$answer" "ok yes"
check_equal "cores allocated" 0 "$(allocated)"

# A reservation keeps its time free: what would run into it waits, what ends before does not.
ask "match allocate 5 short.yaml"; check_contains "$answer" "ok"
ask "match allocate_orelse_reserve 6 one.yaml"; check_contains "$answer" "reserved"
ask "info 6"; check_contains "$answer" "ok yes"
ask "cancel 5"
fits=$(hactor submit -N 2 -n 2 -c 4 -t 20s true)
hactor job wait-event -t 20 "$fits" clean >/dev/null
waits=$(hactor submit -N 2 -n 2 -c 4 -t 1h true)
hactor job wait-event -t 20 "$waits" priority >/dev/null
check_contains "$(hactor explain "$waits")" "needs 2 nodes"
ask "cancel 6"
hactor job wait-event -t 20 "$waits" clean >/dev/null

# Whoever dies leaves nothing.
ask "match allocate 7 two.yaml"
check_equal "cores allocated" 8 "$(allocated)"
id=$(hactor submit -N 2 -n 2 -c 4 true)
kill -9 "$program"
end
hactor job wait-event -t 20 "$id" clean >/dev/null
check_equal "claims" "" "$(hactor resource claims -n)"
hactor job wait-event -t 20 "$(hactor submit -N 2 -n 2 -c 4 true)" clean >/dev/null

# In C++.
check_contains "$(./lend two.yaml rank1.json | tr -d ' ')" 'someleft:{"version":1,"execution":{"R_lite":[{"rank":"0"'
check_equal "claims" "" "$(hactor resource claims -n)"

# What is to stay, stays.
begin keep
ask "match allocate 8 one.yaml"
end
check_contains "$(hactor resource claims -n -o '{number}')" "8"
begin
ask "match allocate 9 one.yaml" # not to stay
kill -9 $(left_processes)
END
{ sed -n '/^ask() /,/^}/p; /^begin() /,/^}/p; /^end() /,/^}/p; /^allocated() /p' "${HACTOR_TEST_LIB%/*}/reapi_module.sh"; cat run.sh; } >all.sh
run_folder_stays=yes
code=0
instance -S resource.fake=nodes=2,cores=4 --statedir "$scratch/state" <all.sh || code=$?
check_equal "how the first instance ended" 137 "$code"

# Over a restart too; and by hand.
instance --statedir "$scratch/state" -S resource.fake=nodes=2,cores=4 <<'END'
check_equal "claims" 8 "$(hactor resource claims -n -o '{number}')"
check_equal "cores allocated" 4 "$(hactor resource list -n -o '{state} {ncores}' | sed -n 's/allocated //p')"
check_contains "$(hactor ion-resource info 8)" "ALLOCATED"
hactor ion-resource partial-cancel 8 rank1.json && fail "it has nothing on rank 1"
hactor ion-resource cancel 8
fails_with 3 hactor ion-resource info 8
fails_with 3 hactor ion-resource cancel 99
check_contains "$output" "no claim and no job 99"
hactor ion-resource match allocate two.yaml | sed -n 5p | grep -q '"rank":"0-1"'
check_equal "claims" 9 "$(hactor resource claims -n -o '{number}')"
fails_with 16 hactor ion-resource match allocate one.yaml
fails_with 19 hactor ion-resource match allocate_with_satisfiability three.yaml
hactor ion-resource match satisfiability two.yaml | grep -q "Satisfiable request"
hactor ion-resource status | tail -n 1 | grep -q '"down":null'
check_contains "$(hactor ion-resource stats)" "Num. of Vertices:  11"
hactor ion-resource stats-clear
check_contains "$(hactor ion-resource stats)" "Max. Successful Match Time:  0 Secs"
check_equal "the second core" 1 "$(hactor ion-resource ns-info 0 core 1)"
fails_with 3 hactor ion-resource ns-info 0 gpu 0
fails_with 2 hactor ion-resource ns-info 0 socket 0
check_contains "$(hactor ion-resource params)" '"match-policy":"lonode"'
hactor ion-resource set-property rank0 class=2
check_equal "a property" "class = ['2']" "$(hactor ion-resource get-property rank0 class)"
hactor ion-resource cancel 9
hactor ion-resource update rank1.json 12 | grep -q '"rank":"1"'
hactor ion-resource find "jobid-alloc=12" | tail -n 1 | grep -q '"core": "0-3"'
hactor ion-resource cancel 12
# A nested instance has cores of its job only, by the numbers that they have on their node.
hactor submit -N 1 -n 1 -c 2 sleep inf >/dev/null
id=$(hactor submit -N 1 -n 1 -c 2 --requires=rank:0 hactor start -- sh -c 'hactor ion-resource ns-info 0 core 1')
check_equal "the second core of a nested instance" 3 "$(hactor job attach "$id")"
hactor cancel --all
END
