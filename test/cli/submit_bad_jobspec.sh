# A bad jobspec is refused with what is wrong and where; the instance is untouched.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
refused() { # TEXT PART...
  printf '%s' "$1" >spec
  shift
  fails_with 1 hactor job submit spec
  for part; do check_contains "$output" "$part"; done
}
refused '{[' ''
refused 'version: [1' 'line'
refused 'just words' 'jobspec'
refused '' ''
refused '{"version": "one"}' 'version' 'one'
good=$(hactor submit --dry-run true)
change() { printf '%s' "$good" | python3 -c '
import json, sys
j = json.load(sys.stdin); exec(sys.argv[1]); print(json.dumps(j))' "$1"; }
refused "$(change 'j["attributes"]["system"]["duration"]="long"')" 'attributes.system.duration' 'long'
refused "$(change 'j["tasks"][0]["command"]=7')" 'tasks[0].command' '7'
refused "$(change 'j["resources"][0]["count"]="many"')" 'resources[0]' 'count' 'many'
refused "$(change 'del j["tasks"]')" 'tasks'
refused "$(change 'j["resources"][0]["with"][0]["id"]="3"')" 'resources[0].with[0].id' 'constraint'
refused "$(change 'j["resources"][0]["id"]="a"')" 'resources[0].id'
refused "$(change 'j["attributes"]["system"]["environment"]=[1]')" 'attributes.system.environment'
refused "$(change 'j["attributes"]["system"]["child"]=True')" 'attributes.system.child'
python3 -c 'print("{\"version\": 1, \"x\": \"" + "y" * 100_000_000 + "\"}")' >spec
fails_with 1 deadline 20 hactor job submit spec
check_contains "$output" "bytes"
python3 -c 'print("{\"version\": 1, \"x\": \"" + "y" * 30_000_000 + "\"}")' >spec
fails_with 1 deadline 20 hactor job submit spec
check_contains "$output" "bytes"
python3 -c 'print("[" * 100000)' >spec
fails_with 1 deadline 20 hactor job submit spec
fails_with 1 hactor job submit "$scratch/nowhere"
check_contains "$output" "nowhere: No such file"
check_equal "output of a good one" hello "$(hactor run echo hello)"
# A request that contradicts itself is refused, and spoils none that come after it.
change 'j["resources"][0]["with"][0]["exclusive"]=False' >spec
fails_with 1 hactor job submit spec
check_contains "$output" "others share"
hactor run -t 7 -n 1 true
id=$(printf '%s' "$good" | hactor job submit -)
hactor job status "$id"
END
