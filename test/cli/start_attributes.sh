# Attributes of the start line are readable; the log goes to its file, appended.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

start --verbose --statedir="$scratch/kept" -- sh -c 'echo "HACTOR_URI=$HACTOR_URI" >uri' 2>said
check_contains "$(cat said)" "size $ranks, transport "
check_contains "$(cat said)" "state in $scratch/kept, which stays"
check_contains "$(cat said)" "$(cat uri)"

echo 'a line from before' >log
instance -Slog-filename="$scratch/log" -S log-level=debug --setattr=exec.kill_timeout=2s <<'END'
check_equal "log file" "$scratch/log" "$(hactor getattr log-filename)"
check_equal "kill timeout" 2s "$(hactor getattr exec.kill_timeout)"
check_equal "level" debug "$(hactor getattr log-level)"
hactor lsattr | grep -qx size
hactor setattr log-level warning
check_equal "level" warning "$(hactor getattr log-level)"
fails_with 1 hactor setattr size 3
check_contains "$output" size
fails_with 1 hactor getattr log-levle
check_contains "$output" "log-level"
END
check_contains "$(cat log)" "a line from before"
fails_with 2 start -S log-levle=debug true
check_contains "$output" "log-level"
fails_with 2 start -S log-level=loud true
check_contains "$output" "debug"
fails_with 2 start -S exec.kill_timeout=soon true
check_contains "$output" "exec.kill_timeout"
fails_with 2 start --statdir=x true
check_contains "$output" "did you mean --statedir"
