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
check_contains "$(cat log)" "SLURM_JOB_END_TIME=$end"
check_equal "in the past" "" "$(expiration 1000)"
check_equal "no number" "" "$(expiration soon)"
