# Variables of launchers stay out of jobs, save those that a person names; what brokers set for themselves does too.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=1,cores=4 <<'END'
export SLURM_X=1 SLURM_Y=2 PALS_Z=3 OMPI_MCA_coll=tuned
show='echo "${SLURM_X-} ${SLURM_Y-} ${PALS_Z-} ${OMPI_MCA_coll-}"'
check_equal "by default" "   tuned" "$(hactor run sh -c "$show")"
check_equal "set" "3   tuned" "$(hactor run --env=SLURM_X=3 sh -c "$show")"
check_equal "named" "1   tuned" "$(hactor run --env=SLURM_X sh -c "$show")"
check_equal "allowed" "1 2  tuned" "$(hactor run --env-allow='SLURM_*' sh -c "$show")"
check_equal "by a rule" "1 2  tuned" "$(hactor run --env='+SLURM_*' sh -c "$show")"
check_equal "and removed again" " 2  tuned" "$(hactor run --env-allow='SLURM_*' --env-remove=SLURM_X sh -c "$show")"
printf 'PALS_Z=$SLURM_Y\n' >"$HACTOR_TEST_SCRATCH/rules"
check_equal "by a file" "  2 tuned" "$(hactor run --env-file="$HACTOR_TEST_SCRATCH/rules" sh -c "$show")"
id=$(hactor submit --env=SLURM_X=5 sh -c "$show")
check_equal "by submit" "5   tuned" "$(hactor job attach "$id")"
check_equal "by bulksubmit" "6   tuned" "$(hactor bulksubmit --watch --quiet --env=SLURM_X=6 sh -c {} ::: "$show")"
check_contains "$(hactor submit --dry-run --env=SLURM_X=3 true)" '"env-allow"'
check_lacks "$(hactor submit --dry-run true)" '"env-allow"'
for name in PMI_RANK PMIX_NAMESPACE HACTOR_JOB_ID HACTOR_URI FLUX_JOB_ID; do
  fails_with 2 hactor run --env=$name=3 true
  check_contains "$output" "hactor sets $name itself"
done
fails_with 1 hactor run -O env-allow=PMI_RANK true
check_contains "$output" "hactor sets PMI_RANK itself"
fails_with 1 hactor run --compat=slurm --env=SLURM_JOB_ID=3 true
check_contains "$output" "hactor sets SLURM_JOB_ID itself"

# Brokers tell Open MPI how to copy; that is theirs.
copies='echo "${OMPI_MCA_btl_vader_single_copy_mechanism-unset} ${OMPI_MCA_mpi_yield_when_idle-unset}"'
check_equal "of the script" "unset unset" "$(sh -c "$copies")"
check_equal "of a job" "unset unset" "$(hactor run sh -c "$copies")"
check_equal "of a command" "unset unset" "$(hactor exec -r 0 sh -c "$copies")"
END
OMPI_MCA_btl_vader_single_copy_mechanism=emulated instance -S resource.fake=nodes=1,cores=4 <<'END'
check_equal "what a person has set" emulated "$(hactor run printenv OMPI_MCA_btl_vader_single_copy_mechanism)"
END
