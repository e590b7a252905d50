# What a program holds through a broker that is lost is nobody's any more; what is to stay, stays.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v cc >/dev/null || skip "there is no compiler"
cmake --install "$HACTOR_TEST_BUILD" --prefix "$scratch/prefix" >/dev/null
cc -std=c11 -I"$scratch/prefix/include" -o "$scratch/claims" \
  "${HACTOR_TEST_LIB%/test/cli/*}/examples/reapi/claims.c" \
  -L"$scratch/prefix/lib" "-Wl,-rpath,$scratch/prefix/lib" -lhactor_reapi
cat >"$scratch/one.yaml" <<'END'
version: 1
resources: [{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}]
tasks: [{command: [app], slot: s, count: {per_slot: 1}}]
attributes: {system: {duration: 3600}}
END
run_folder_stays=yes # of the broker that is killed
cd "$scratch"
instance --oversubscribe <<'END'
spread=$(hactor submit -N "$ranks" -n "$ranks" sleep 1000)
hactor job wait-event -q "$spread" start
other=$(hactor run --requires=rank:1 printenv HACTOR_URI)
# $PPID of what exec runs is the supervisor; its other child is the broker.
broker=$(hactor exec -r 1 sh -c 'pgrep -o -P $PPID hactor-start')
mkfifo in out
HACTOR_URI=$other ./claims <in >out &
exec 3>in 4<out
echo "match allocate 1 one.yaml" >&3
read -r answer <&4
check_contains "$answer" '"R_lite"'
echo "match allocate 2 one.yaml" | HACTOR_URI=$other ./claims keep | grep -q '"R_lite"'
check_equal "claims" "1 2" "$(hactor resource claims -n -o '{number}' | paste -sd' ' | tr -s ' ')"
kill -9 "$broker"
fails_with 1 deadline 20 hactor job status "$spread"
only_the_other() { [ "$(hactor resource claims -n -o '{number}' | tr -d ' ')" = 2 ]; }
eventually 20 only_the_other
hactor ion-resource cancel 2
END
