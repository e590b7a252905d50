# After kill -9 of everything with instances within the instance: jobs that held one ended as any
# that ran, those that may be started again are, with an instance that knows of no job before; and
# who has the URI of one that has ended is told so.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

run_folder_stays=1 # nobody is left to remove it
mkfifo uri up up_again # one each: who has written may have it open yet when it is read again
cat >child.sh <<'END'
export UP="$1"
hactor submit sleep 1000 >/dev/null
if [ "${HACTOR_ENCLOSING_ATTEMPT-1}" = 1 ]; then
  hactor run hactor start sh -c 'hactor submit sleep 1000 >/dev/null; echo up >"$UP"; exec sleep 1000'
fi
echo "attempt ${HACTOR_ENCLOSING_ATTEMPT-1}: $(hactor jobs -a -n | wc -l) job"
END
$(launch_words) hactor-start -S resource.fake=nodes=4,cores=4 --statedir="$scratch/state" -- \
  sh -c 'echo $HACTOR_URI >uri; exec sleep 1000' </dev/null &
instance=$!
read -r HACTOR_URI <uri
export HACTOR_URI
once=$(hactor submit -N 1 hactor start sh child.sh up) && read -r line <up
again=$(hactor submit -N 1 --retries=1 hactor start sh child.sh up_again) && read -r line <up_again
ended=$(hactor submit -N 1 hactor start true)
hactor job wait "$ended"
waiting=$(hactor submit -N 3 -n 3 hactor start hactor run echo "it waited")
kill -9 $(left_processes) 2>/dev/null || true # one may be gone by now
wait "$instance" || true
unset HACTOR_URI
export once again ended waiting
instance -S resource.fake=nodes=4,cores=4 --statedir="$scratch/state" <<'END'
fails_with 1 hactor job status "$once"
check_contains "$(hactor job eventlog "$once" | grep exception)" lost
hactor job status "$again" "$ended" "$waiting"
check_contains "$(hactor job attach "$again")" "attempt 2: 1 job"
check_equal "what waited" "it waited" "$(hactor job attach "$waiting")"
# Jobs of instances within have gone with them: nobody knows of others than these.
check_equal "known" 4 "$(hactor jobs -a -n | wc -l)"

# Somebody still has the URI of one that has ended, or of one that never was.
for id in "$once" "$ended"; do
  fails_with 1 env HACTOR_URI="$HACTOR_URI/$id" hactor jobs
  check_contains "$output" "no instance $id"
  check_contains "$output" "does not run any more"
  fails_with 1 hactor proxy "$id" hactor jobs
  check_contains "$output" "does not run any more"
done
fails_with 1 env HACTOR_URI="$HACTOR_URI/$ended/$once" hactor jobs
check_contains "$output" "no instance $ended"
plain=$(hactor submit sleep 1000)
fails_with 1 env HACTOR_URI="$HACTOR_URI/$plain" hactor submit true
check_contains "$output" "no instance"
# A client that is connected when it ends is told at once.
mkfifo up2 followed
last=$(hactor submit -N 1 hactor start sh -c 'echo up >up2; exec sleep 1000')
read -r line <up2
HACTOR_URI=$HACTOR_URI/$last hactor events --since 0 >followed 2>complaint &
follower=$!
exec 3<followed
HACTOR_URI=$HACTOR_URI/$last hactor submit true
read -r line <&3 # it follows
hactor cancel "$last"
cat <&3 >/dev/null
code=0
wait "$follower" || code=$?
check_equal "exit code of who followed it (which said: $(cat complaint))" 1 "$code"
[ -s complaint ] || fail "who followed it was told nothing"
END
