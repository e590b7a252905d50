# A job that holds an instance loses a node and has --retries: the next attempt's instance runs jobs
# on all of its nodes, also on those that the first attempt had.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >inner.sh <<'END'
hactor run -N 2 -n 2 sh -c 'echo "ran $HACTOR_TASK_RANK"' | sort
echo up >up
[ "${HACTOR_ENCLOSING_ATTEMPT:-1}" -gt 1 ] || exec sleep 1000
END
# Either the rank that leads the instance or another one.
for victim in 1 2; do
  export victim
  rm -f up
  instance 2>log <<'END' || fail "$(cat log)"
mkfifo up
id=$(hactor submit --retries=3 --requires=-ranks:0 -N 2 -n 2 hactor start sh inner.sh)
read -r line <up
check_equal "at first" 1-2 "$(hactor jobs -n -o '{ranks}')"
broker=$(hactor exec -r "$victim" sh -c 'pgrep -o -P $PPID hactor-start')
kill -9 "$broker"
deadline 20 sh -c 'read -r line <up'
deadline 20 hactor job status "$id"
check_equal "then" "$((3 - victim)),3 2" \
  "$(hactor jobs -a -n -o '{ranks} {attempts}' "$id" | sed 's/-/,/')"
# What was written on a lost node is lost with it.
said=$(deadline 20 hactor job attach "$id" 2>/dev/null)
case $victim in
  1) check_equal "second attempt" "ran 0 ran 1" "$(echo $said)" ;;
  2) check_equal "both attempts" "ran 0 ran 1 ran 0 ran 1" "$(echo $said)" ;;
esac
END
done
