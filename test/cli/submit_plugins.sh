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
head -c 100 /dev/zero >others/30-bad
fails_with 2 hactor submit true
check_contains "$output" "30-bad: Exec format error; a plugin must be a program, or a script that begins with"
rm others/30-bad
echo '{"name"' >others/20-looks.options
fails_with 2 hactor submit true
check_contains "$output" "20-looks.options: "
check_contains "$output" "must be a list of options in JSON"
rm others/20-looks.options

# Options that a plugin adds, by a file beside it.
cat >plugins/10-project.options <<'JSON'
[{"name": "project", "argument": "NAME", "meaning": "Charges the project NAME."},
 {"name": "forbidden", "meaning": "Is refused."}]
JSON
chmod +x plugins/10-project.options # it is no plugin for that
check_contains "$(hactor submit --project=red --dry-run true)" '"project":"red"'
check_contains "$(hactor submit --plugin=project=old --project red --dry-run true)" '"project":"old"'
check_equal "run" yes "$(hactor run --project red echo yes)"
printf '#!/bin/sh\n# hactor: --project=blue\ntrue\n' >script
check_contains "$(hactor batch --dry-run script)" '"project":"blue"'
check_equal "bulk" grey "$(hactor jobs -a -n -o '{project}' "$(hactor bulksubmit --project=grey true {} ::: 1)")"
fails_with 2 hactor submit --forbidden true
check_contains "$output" "not today"
fails_with 2 hactor submit --forbidden=1 true
check_contains "$output" "takes no value"
fails_with 2 hactor submit --project
check_contains "$output" "needs a value (NAME)"
fails_with 2 hactor submit --projet=x true
check_contains "$output" "did you mean --project"
for page in "$(hactor submit --help)" "$(hactor help run)"; do
  check_contains "$page" '--project=NAME'
  check_contains "$page" 'Charges the project NAME.'
done
check_contains "$(hactor help --bash-completion | grep '"alloc"')" '--project='
check_lacks "$(hactor jobs --help)" '--project'
refused() { # JSON MESSAGE
  echo "$1" >others/20-looks.options
  fails_with 2 hactor submit true
  check_contains "$output" "20-looks.options: "
  check_contains "$output" "$2"
  rm others/20-looks.options
}
refused '[{"name": "project", "meaning": "x"}]' '--project is taken'
refused '[{"name": "ntasks", "meaning": "x"}]' '--ntasks is taken'
refused '[{"name": "partition", "meaning": "x"}]' '--partition is taken'
refused '[{"name": "help", "meaning": "x"}]' '--help is taken'
refused '[{"name": "No", "meaning": "x"}]' "the name 'No' is not small letters"
refused '[{"name": "yes"}]' '--yes has no meaning'
refused '[{"name": "yes", "meaning": "x", "type": "int"}]' "'type' is unknown"
refused '[{"name": "yes", "meaning": ""}]' "'meaning' must be text"
refused '["yes"]' 'must be an object'
refused '{}' 'must be a list'
refused '[' 'syntax error'

unset HACTOR_CLI_PLUGINPATH
fails_with 2 hactor submit --project=x true
check_contains "$output" "unknown option '--project'"
fails_with 2 hactor submit --plugin=x true
hactor run true
END
