# Programs in HACTOR_CLI_PLUGINPATH see jobs before they are submitted, change them or refuse them.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkdir plugins others
cat >plugins/10-project <<'END'
#!/usr/bin/env python3
import json, sys
asked = json.load(sys.stdin)
if "forbidden" in asked["options"]:
    sys.exit("not today")
assert sys.argv[1] == asked["command"]
spec = asked["jobspec"]
spec["attributes"]["system"]["project"] = asked["options"].get("project", "none")
json.dump(spec, sys.stdout)
END
cat >others/20-looks <<'END'
#!/bin/sh
cat >>seen
END
echo 'not a program' >plugins/notes.txt
chmod +x plugins/10-project others/20-looks
export HACTOR_CLI_PLUGINPATH=$PWD/plugins:/nowhere:$PWD/others
instance <<'END'
check_contains "$(hactor submit --plugin=project=red --dry-run true)" '"project":"red"'
check_contains "$(cat seen)" '"project":"red"'
id=$(hactor submit true)
check_equal "submitted" none "$(hactor jobs -a -n -o '{project}' "$id")"
check_equal "run" yes "$(hactor run --plugin=project=x echo yes)"
check_contains "$(hactor batch --plugin=project=blue --dry-run --wrap true)" '"project":"blue"'
check_contains "$(hactor alloc --plugin=project=green --dry-run true)" '"project":"green"'
: >seen
hactor bulksubmit --wait --quiet true {} ::: 1 2 3
check_equal "once for alike" 1 "$(wc -l <seen)"
cat >others/25-renames <<'PY'
#!/usr/bin/env python3
import json, sys
spec = json.load(sys.stdin)["jobspec"]
spec["tasks"][0]["command"][1] = "YY"
json.dump(spec, sys.stdout)
PY
chmod +x others/25-renames
check_equal "another command" YY "$(hactor run echo XX)"
fails_with 2 hactor bulksubmit echo XX {} ::: 1
check_contains "$output" "a plugin changes the command"
rm others/25-renames
fails_with 2 hactor submit --plugin=forbidden true
check_contains "$output" "not today"
check_contains "$output" "10-project refuses the job"
printf '#!/bin/sh\necho nonsense\n' >others/30-bad
chmod +x others/30-bad
fails_with 2 hactor submit true
check_contains "$output" "30-bad: what it gives is no jobspec"
unset HACTOR_CLI_PLUGINPATH
fails_with 2 hactor submit --plugin=x true
hactor run true
END
