# --retries of a job that holds an instance: each attempt makes a new one over all of the job's nodes,
# at the same path, and nothing of the one before is seen in it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >attempt.sh <<'END'
#!/bin/sh
hactor jobs -a -n
hactor run -N 2 -n 2 sh -c 'echo "ran $HACTOR_TASK_RANK"' | sort
echo "$HACTOR_URI ${HACTOR_ENCLOSING_ATTEMPT:-1}"
hactor submit --quiet sleep 1000 # ends with the attempt
echo >>attempts
[ "$(wc -l <attempts)" -ge 3 ]
END
chmod +x attempt.sh
nodes=$((ranks > 2 ? ranks : 3))
instance -S "resource.fake=nodes=$nodes,cores=2" <<'END'
for how in 'run -N 2 -n 2 --retries=4 hactor start' 'batch -N 2 --retries=4 --wait -o said --quiet'; do
  rm -f attempts
  case $how in
    run*) deadline 40 hactor $how ./attempt.sh >said ;;
    *) deadline 40 hactor $how ./attempt.sh ;;
  esac
  check_equal "attempts of '$how'" 3 "$(wc -l <attempts)"
  check_equal "lines of '$how' ($(cat said))" 9 "$(wc -l <said)"
  check_equal "tasks 0" 3 "$(grep -c 'ran 0' said)"
  check_equal "tasks 1" 3 "$(grep -c 'ran 1' said)"
  check_equal "paths" 1 "$(grep "^$HACTOR_URI/" said | cut -d' ' -f1 | sort -u | wc -l)"
  check_equal "told" "1 2 3" "$(sed -n "s|^$HACTOR_URI/[^ ]* ||p" said | xargs)"
done
counts() { [ "$(hactor stats | sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p")" = "$2" ]; }
eventually 20 counts instances 0 # what runs
eventually 20 counts tasks 1 # which is this script
END
