# A wrapper in front of the command sees what the task sees; the command keeps rank, signals and end.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >wrapper <<'END'
#!/bin/sh
export WRAPPED="$HACTOR_TASK_RANK of $HACTOR_JOB_SIZE"
exec "$@"
END
cat >payload <<'END'
trap 'exit 7' USR1
echo "$HACTOR_TASK_RANK: $WRAPPED" >"seen.$HACTOR_TASK_RANK"
read -r line <go.$HACTOR_TASK_RANK
exit 1
END
chmod +x wrapper
mkfifo go.0 go.1
instance -S resource.fake=nodes=1,cores=2 <<'END'
id=$(hactor submit -n 2 ./wrapper sh payload)
exec 3<>go.0 4<>go.1
until [ -s seen.0 ] && [ -s seen.1 ]; do
  hactor job wait-event -q "$id" start # and it has not ended
done
check_equal "ranks" "0: 0 of 2 1: 1 of 2" "$(echo $(cat seen.0 seen.1))"
hactor job kill -s USR1 "$id"
fails_with 7 hactor job status "$id"
END
