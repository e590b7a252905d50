# Who reads what hactor-start says may go; the instance goes on.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >script <<'END'
read gone <gone
kill -USR1 $PPID # says much
for i in 1 2 3; do hactor run true; done
echo went on >ran
exit 7
END
mkfifo gone
{ start -S log-level=debug -- sh script || echo $? >code; } 2>&1 | true &
echo now >gone
deadline 20 sh -c 'until [ -s code ]; do sleep 0.05; done' || fail "the instance hangs"
check_equal "exit code" 7 "$(cat code)"
check_equal "script" "went on" "$(cat ran)"
