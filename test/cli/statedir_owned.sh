# A second instance on the same state directory is refused, and told who has it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkfifo uri gate
start --statedir="$scratch/state" -- sh -c 'echo $HACTOR_URI >uri; read go <gate' &
instance=$!
read -r uri <uri
fails_with 1 hactor-start --statedir="$scratch/state" true
check_contains "$output" "$scratch/state: in use by process"
check_contains "$output" "$uri"
HACTOR_URI=$uri hactor run true
echo go >gate
wait "$instance"
fails_with 0 hactor-start --statedir="$scratch/state" hactor jobs -a -n
check_contains "$output" "CD"
