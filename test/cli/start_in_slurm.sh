# In a Slurm job that ends the instance knows until when; without one, or in what is left of an old
# environment, it does not.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

end=$(($(date +%s) + 3600))
expiration() { # VALUE; what the instance's R says
  env SLURM_JOB_ID=7 SLURM_JOB_END_TIME="$1" hactor-start -v sh -c 'hactor resource R; hactor dmesg >log' |
    sed -n 's/.*"expiration":\([0-9]*\).*/\1/p'
}
check_equal "end of the instance" "$end" "$(expiration "$end")"
check_contains "$(cat log)" "SLURM_JOB_ID=7: the instance ends in 3"
check_equal "in the past" "" "$(expiration 1000)"
check_equal "no number" "" "$(expiration soon)"

# The end is moved by scontrol: squeue tells, and the instance goes on until then.
mkdir bin
cat >bin/squeue <<'SH'
#!/bin/sh
test "$*" = "-h -j 7 -o %e" && test "$SLURM_TIME_FORMAT" = %s && cat "${0%/*}/end"
SH
chmod +x bin/squeue
moved=$((end + 7200))
echo "$moved" >bin/end
env PATH="$PWD/bin:$PATH" SLURM_JOB_ID=7 SLURM_JOB_END_TIME="$end" hactor-start sh -c '
  . "$HACTOR_TEST_LIB"
  eventually 20 sh -c "hactor resource R | grep -q \"\\\"expiration\\\":$1\""
  hactor dmesg >log' sh "$moved"
check_contains "$(cat log)" "SLURM_JOB_ID=7: the end of the allocation was moved"

# An allocation that was made longer has passed the end that its environment says.
env PATH="$PWD/bin:$PATH" SLURM_JOB_ID=7 SLURM_JOB_END_TIME=1000 hactor-start hactor resource R >R
check_contains "$(cat R)" "\"expiration\":$moved"

# Who cannot be asked is told of, once, and nothing changes.
echo "slurm_load_jobs error" >bin/end
env PATH="$PWD/bin:$PATH" SLURM_JOB_ID=7 SLURM_JOB_END_TIME="$end" hactor-start sh -c '
  . "$HACTOR_TEST_LIB"
  eventually 20 sh -c "hactor dmesg | grep -q \"does not tell when the allocation ends\""
  hactor resource R >R'
check_contains "$(cat R)" "\"expiration\":$end"
