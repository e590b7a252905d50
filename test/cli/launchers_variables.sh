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

# What a task has in an instance under a launcher, whatever that was told, it has in one without, but
# for hactor's own; what was set before the launcher started stays.
names='hactor run env -0 | sed -z "s/=.*//" | tr "\0" "\n" | grep -v "^HACTOR_" | sort -u'
alone=$(deadline 30 hactor-start -S resource.fake=nodes=1,cores=4 sh -c "$names")
printf '%s\n' "$alone" >alone
case $launcher in
  openmpi) told='--mca btl tcp,self --mca pml ob1 --map-by slot --bind-to none' ;;
  mpich) told='-genv MPIR_CVAR_DEBUG_SUMMARY 0 -genv MPICH_X 1' ;;
  *) exit 0 ;;
esac
mine='OMPI_MCA_coll_tuned_priority=31 MPIR_CVAR_ENABLE_SMP=1'
for ranks in 1 4; do
  deadline 40 env $mine $(launch_words) $told hactor-start -S resource.fake=nodes=1,cores=4 sh -c "
    $names >under; hactor run sh -c 'echo \$OMPI_MCA_coll_tuned_priority \$MPIR_CVAR_ENABLE_SMP' >kept"
  check_equal "more under $launcher with $ranks ranks" \
    "MPIR_CVAR_ENABLE_SMP OMPI_MCA_coll_tuned_priority" "$(echo $(comm -13 alone under))"
  check_equal "less under $launcher" "" "$(comm -23 alone under)"
  check_equal "a person's settings" "31 1" "$(cat kept)"
done
