# A job has the directory and environment of its submit, on every rank.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
mkdir -p here there
cd here
export COLOUR='deep blue'
id=$(hactor submit -n "$ranks" sh -c 'echo "$PWD $COLOUR"')
cd ../there
export COLOUR=red
check_equal "seen" "$scratch/here deep blue" "$(hactor job attach "$id" | sort -u)"
check_equal "tasks" "$ranks" "$(hactor job attach "$id" | wc -l)"
rmdir ../here
fails_with 126 hactor run --cwd="$scratch/here" true
check_contains "$output" here
check_equal "removed" "" "$(hactor run --env-remove=COLOUR sh -c 'echo $COLOUR')"
printf 'COLOUR=filed\n' >rules
check_equal "of a file" filed "$(hactor run --env-file=rules sh -c 'echo $COLOUR')"
check_equal "a rule that is a file" filed "$(hactor run --env=^rules sh -c 'echo $COLOUR')"
check_equal "set" green "$(hactor run --env=COLOUR=green sh -c 'echo $COLOUR')"
END
