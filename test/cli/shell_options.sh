# What -O asks of the job's shell: oom.adjust, hwloc.xmlfile and hwloc.restrict.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
score() { hactor run "$@" cat /proc/self/oom_score_adj; }
own=$(cat /proc/self/oom_score_adj)
check_equal "as the broker's" "$own" "$(score)"
check_equal "adjusted" 1000 "$(score -O oom.adjust=1000)"
check_equal "of the shell's task only" "$own" "$(score)"
fails_with 1 score -O oom.adjust=1001
check_contains "$output" "oom.adjust: must be -1000 to 1000"

# The file is there before the tasks, and gone with the job.
hactor run --env=HWLOC_COMPONENTS=-x86 -O hwloc.xmlfile sh -c '
  echo "$HWLOC_XMLFILE" >name
  test "${HWLOC_XMLFILE%/*}" = "$HACTOR_JOB_TMPDIR" && test -z "$HWLOC_COMPONENTS" &&
  grep -c "type=.PU." "$HWLOC_XMLFILE"' >all
[ ! -e "$(cat name)" ] || fail "$(cat name) is left"
check_equal "unless asked" "" "$(hactor run sh -c 'echo $HWLOC_XMLFILE')"
hactor run -c 1 -O hwloc.restrict sh -c '
  grep -c "type=.Core." "$HWLOC_XMLFILE" || grep -c "type=.PU." "$HWLOC_XMLFILE"' >part
check_equal "the job's part" 1 "$(tail -1 part)"
# Several ranks may share the cores of the host, and count them each.
cores=$(hactor resource list -n -o '{state} {ncores}' | sed -n 's/free *//p')
[ "$ranks" -gt 1 ] || [ "$(cat all)" -ge "$cores" ] || fail "$(cat all) CPUs of $cores cores"
END

# Where the resources are pretended there is no part: all of the host is shown.
instance -S resource.fake=nodes=1,cores=4000 <<'END'
all=$(hactor run -O hwloc.xmlfile sh -c 'grep -c "type=.PU." "$HWLOC_XMLFILE"')
check_equal "all" "$all" "$(hactor run -c 9 -O hwloc.restrict sh -c 'grep -c "type=.PU." "$HWLOC_XMLFILE"')"
END
