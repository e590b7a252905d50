# In an allocation of PBS, Torque, LSF or Flux the instance ends with it, as far as its own commands
# tell; one that does not answer, or is not there, hinders nobody.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkdir fake
answers() { # COMMAND TEXT: from now on it says this, and how it was called
  printf '#!/bin/sh\necho "$0 $*" >>%s/calls\ncat <<"TEXT"\n%s\nTEXT\n' "$scratch" "$2" >fake/"$1"
  chmod +x fake/"$1"
}
# Seconds until the instance ends, by what the script is told; nothing: it does not end.
left() { # NAME=VALUE...
  rm -f calls
  env PATH="$scratch/fake:$PATH" "$@" hactor-start sh -c '
    hactor dmesg >log
    hactor resource R | sed -n "s/.*\"expiration\":\([0-9]*\).*/\1/p"' >end
  end=$(cat end)
  [ -z "$end" ] || echo $((end - $(date +%s)))
}
about() { # SECONDS FOUND
  [ -n "$2" ] && [ "$2" -le "$1" ] && [ "$2" -gt $(($1 - 60)) ] || fail "expected about $1 s, found '$2'"
}

answers qstat "Job Id: 12.srv
    stime = $(LC_ALL=C date '+%a %b %e %H:%M:%S %Y' -d '-10 min')
    Resource_List.walltime = 01:00:00"
about 3000 "$(left PBS_JOBID=12.srv)"
check_contains "$(cat calls)" "qstat -f 12.srv"
check_contains "$(cat log)" "PBS_JOBID=12.srv: the instance ends in"
answers qstat "qstat: cannot connect to server srv (errno=111)"
about 7200 "$(left PBS_JOBID=12.srv PBS_WALLTIME=$((7200 + $(ps -o etimes= -p $(ps -o sid= -p $$) || echo 0))))"
check_equal "PBS without a limit" "" "$(left PBS_JOBID=12.srv)"
check_contains "$(cat log)" "PBS_JOBID=12.srv: \`qstat -f 12.srv\` does not tell when the allocation ends"

answers bjobs "1:30 L"
about 5400 "$(left LSB_JOBID=8 LSB_JOBINDEX=3)"
check_contains "$(cat calls)" "bjobs -noheader -o time_left 8[3]"
answers bjobs "-"
check_equal "LSF without a limit" "" "$(left LSB_JOBID=8)"

# The end is moved: it is asked again 10 s before it.
answers flux 20
cat >wait <<'SH'
. "$HACTOR_TEST_LIB"
printf '#!/bin/sh\necho 3600\n' >fake/flux
eventually 40 sh -c 'hactor dmesg | grep -q "FLUX_JOB_ID=f23: the end of the allocation was moved"'
hactor resource R >R
SH
env PATH="$scratch/fake:$PATH" FLUX_JOB_ID=f23 hactor-start sh wait
about 3600 "$(($(sed -n 's/.*"expiration":\([0-9]*\).*/\1/p' R) - $(date +%s)))"

answers flux 1800
about 1800 "$(left FLUX_JOB_ID=f23)"
check_contains "$(cat calls)" "flux job timeleft f23"
answers flux infinity
check_equal "Flux without a limit" "" "$(left FLUX_JOB_ID=f23)"
printf '#!/bin/sh\nexec sleep 1000\n' >fake/flux
check_equal "Flux that does not answer" "" "$(left FLUX_JOB_ID=f23)"
check_contains "$(cat log)" "does not tell when the allocation ends: it does not answer"
rm fake/flux
command -v flux >/dev/null || check_equal "Flux that is not there" "" "$(left FLUX_JOB_ID=f23)"

# Slurm says it in the environment, a job of ours is not the allocation: neither is asked.
answers flux 1800
about 900 "$(left FLUX_JOB_ID=f23 SLURM_JOB_ID=7 SLURM_JOB_END_TIME=$(($(date +%s) + 900)))"
[ ! -e calls ] || fail "asked although it is known: $(cat calls)"
check_equal "in a job of ours" "" "$(left FLUX_JOB_ID=1 HACTOR_JOB_ID=fA)"
[ ! -e calls ] || fail "asked about a job of ours: $(cat calls)"
