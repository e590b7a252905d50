# hactor start --boot=mpi in a job: each task becomes a broker of an instance that is an MPI job of
# its own, started by hactor's process manager under either MPI; the same verbs find it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >inner.sh <<'END'
. "$HACTOR_TEST_LIB"
check_equal "size" "$BROKERS" "$(hactor getattr size)"
check_equal "level" 1 "$(hactor getattr instance-level)"
check_equal "of the job" "" "${HACTOR_JOB_ID-}${HACTOR_TASK_RANK-}${PMI_RANK-}${PMIX_RANK-}"
check_equal "id around" "$JOB" "$HACTOR_ENCLOSING_ID"
check_equal "on all" "$BROKERS" "$(hactor exec -r all sh -c 'echo "$HACTOR_RANK"' | sort -u | wc -l)"
hactor run -N "$BROKERS" -n "$BROKERS" true
hactor run -n 1 hactor start sh -c 'test "$(hactor getattr instance-level)" = 2'
hactor job wait-event -q "$(hactor submit -n 1 sleep 300)" start
echo up >"$HACTOR_TEST_SCRATCH/up"
read -r line <"$HACTOR_TEST_SCRATCH/end"
exit 7
END
export INNER=$scratch/inner.sh
mpis=
for mpi in mpich openmpi; do
  [ ! -e "$HACTOR_TEST_BUILD/lib/hactor/hactor_mpi_$mpi.so" ] || mpis="$mpis $mpi"
done
[ -e "$HACTOR_TEST_BUILD/lib/hactor/hactor-pmix" ] || mpis=${mpis% openmpi}
export mpis
mkfifo up end
start_seconds=110

instance -S resource.fake=nodes=4,cores=4 <<'END'
cd "$HACTOR_TEST_SCRATCH"
for mpi in $mpis; do
  id=$(BROKERS=2 hactor submit -N 2 -n 2 sh -c \
    'JOB=$HACTOR_JOB_ID exec hactor start --boot=mpi --mpi='$mpi' sh "$INNER"')
  read -r line <up || { hactor job attach "$id"; fail "it did not start under $mpi"; }
  check_contains "$(hactor jobs -n -o '{annotations.user.uri}' "$id")" local://
  check_equal "proxy" sleep "$(hactor proxy "$id" hactor jobs -n -o '{name}' | tr -d ' ')"
  check_contains "$(echo $(hactor pstree))" "─ sh └── sleep"
  check_contains "$(hactor jobs -R -n -o '{name}')" "$id:"
  fails_with 1 hactor resource grow "$id"
  check_contains "$output" "brokers of its own"
  check_contains "$output" "fixed"
  fails_with 1 hactor resource shrink -N 1 "$id"
  check_contains "$output" "fixed"
  fails_with 1 env HACTOR_URI="$HACTOR_URI/$id" hactor jobs
  check_contains "$output" "'hactor proxy $id'"
  below=$(hactor proxy "$id" hactor jobs -n -o '{id}' | tr -d ' ')
  # A limit that its job gets later is heard of.
  check_equal "time" infinity "$(hactor proxy "$id" hactor job timeleft "$below")"
  hactor update "$id" duration=1h
  has_limit() { [ "$(hactor proxy "$id" hactor job timeleft "$below")" != infinity ]; }
  eventually 20 has_limit
  fails_with 1 hactor proxy "$id/$below" true
  check_contains "$output" "$id/$below: no instance"
  echo over >end
  fails_with 7 hactor job status "$id"

  # Its script hears of the time limit, as it would of a cancel.
  id=$(hactor submit -N 2 -n 2 -t 1h hactor start --boot=mpi --mpi=$mpi -- \
    sh -c 'trap "echo heard; exit 3" ALRM; echo up >up; while :; do sleep 0.1; done')
  read -r line <up
  hactor update "$id" duration=1s
  fails_with 3 deadline 40 hactor job attach "$id"
  check_contains "$output" heard
done

# All of it killed with -9, in a job that goes on: nobody is told the way to it any more, and when the
# job ends its folders go too.
words_of() { { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null || true; }
id=$(hactor submit -N 2 -n 2 sh -c 'hactor start --boot=mpi sleep 1000; exec sleep 1000')
hactor job wait-event -q "$id" memo
uri=$(hactor jobs -n -o '{annotations.user.uri}' "$id")
[ -S "${uri#local://}" ] || fail "no socket at $uri"
# When some are gone the others go by themselves, also before it is their turn here.
kill -9 $(for pid in $(left_processes); do
  case $(words_of "$pid") in */hactor-start*--level=1*) echo "$pid" ;; esac
done) 2>/dev/null || true
shows_no_way() { [ -z "$(hactor jobs -n -o '{annotations.user.uri}' "$id" | tr -d ' ')" ]; }
eventually 20 shows_no_way
check_equal "the job" RUN "$(hactor jobs -n -o '{state}' "$id" | tr -d ' ')"
check_lacks "$(hactor pstree)" "sleep"
fails_with 1 hactor proxy "$id" true
check_contains "$output" "no instance"
hactor cancel "$id"
fails_with 1 hactor job wait "$id"
[ ! -e "${uri#local://}" ] || fail "left behind: $uri"

# One task needs no process manager; and it ends with its job.
id=$(BROKERS=1 hactor submit -n 1 sh -c 'JOB=$HACTOR_JOB_ID exec hactor start --boot=mpi sh "$INNER"')
read -r line <up
hactor cancel "$id"
fails_with 1 hactor job wait "$id"
check_contains "$output" Canceled
fails_with 1 hactor proxy "$id" hactor jobs
fails_with 2 hactor start --boot=mpi true
check_contains "$output" "not a task of a job"
fails_with 2 hactor run hactor start --boot=mpi -s 2 true
check_contains "$output" "a broker for each task"
END
