# A script that is not there is 127, one that cannot be executed 126, as in a shell.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

fails_with 127 start -- "$scratch/nowhere.sh"
check_contains "$output" "nowhere.sh: command not found"
fails_with 127 start -- hactor-no-such-command
check_contains "$output" "hactor-no-such-command"
echo 'echo hello' >plain.sh
fails_with 126 start -- ./plain.sh
check_contains "$output" "plain.sh: Permission denied"
fails_with 126 start -- /tmp
