# A task that signals its parent, or its own group, ends nothing of others; the instance's own
# command may end it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance 2>said <<'END' || { code=$?; cat said >&2; exit $code; }
mkfifo go
hactor submit sh -c 'read x <go; echo stayed' >id
for signal in TERM INT HUP QUIT USR2; do
  fails_with 3 hactor run sh -c "kill -$signal \$PPID; exit 3"
done
fails_with 3 hactor run sh -c 'p=$PPID; sh -c "kill -TERM $p"; exit 3'
fails_with 3 hactor run sh -c 'p=$PPID; (kill -TERM $p); exit 3'
fails_with 3 hactor run sh -c '/bin/kill -TERM $PPID; exit 3'
# The idiom of scripts that tidy up, in a group of the job's own tasks.
fails_with 143 hactor run -O nosetpgrp sh -c 'trap "kill 0" EXIT'
fails_with 3 hactor run -O nosetpgrp sh -c 'trap "" TERM; kill -TERM 0; exit 3'
# From an instance inside, whose command is a task of this one.
fails_with 4 hactor run hactor start sh -c 'kill -TERM $PPID; hactor run sh -c "kill -TERM \$PPID"; exit 4'
check_equal "active" 1 "$(hactor jobs -n | wc -l)"
echo >go
check_equal "others go on" stayed "$(deadline 20 hactor job attach "$(cat id)")"
END
check_contains "$(cat said)" "has sent signal 15 (Terminated) to hactor-start: ignored"

# The command of the instance means what it says.
fails_with 143 start sh -c 'hactor submit sleep 1000 >id; kill -TERM $PPID; sleep 1000'
