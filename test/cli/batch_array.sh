# The copies of a batch job know which they are; a script of --compat=flux sees its own instance by
# Flux's names, and nothing of the job around it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cat >copy.sh <<'SH'
#!/bin/sh
echo "copy $HACTOR_JOB_CC of ${HACTOR_JOB_ID-none}, inner $(hactor run sh -c 'echo ${HACTOR_JOB_CC-none}')"
SH
deadline 40 hactor batch --quiet --wait --array=1-3 -n 1 -o 'out.{cc}' copy.sh
check_equal "a script" "copy 1 of none, inner none
copy 2 of none, inner none
copy 3 of none, inner none" "$(cat out.1 out.2 out.3)"
deadline 40 hactor batch --quiet --wait --cc=4-5 -n 1 -o 'out.{cc}' --wrap 'echo "is {cc}"; echo {cc}'
check_equal "--wrap" "is 4
4
is 5
5" "$(cat out.4 out.5)"
deadline 20 hactor batch --quiet --wait -n 1 -o out --wrap 'echo {cc}'
check_equal "one alone" "{cc}" "$(cat out)"

cat >flux.sh <<'SH'
#!/bin/sh
[ "$FLUX_URI" = "$HACTOR_URI" ] || echo "FLUX_URI=$FLUX_URI is not $HACTOR_URI"
[ "$FLUX_ENCLOSING_ID" = "$HACTOR_ENCLOSING_ID" ] || echo "FLUX_ENCLOSING_ID=$FLUX_ENCLOSING_ID"
env | grep '^FLUX_JOB_\|^FLUX_TASK_\|^FLUX_KVS_' || true
SH
deadline 20 hactor batch --quiet --wait -n 1 --compat=flux -o out flux.sh
check_equal "by Flux's names" "" "$(cat out)"
deadline 20 hactor batch --quiet --wait --cc=7 -n 1 --compat=flux -o out flux.sh
check_equal "a copy" "FLUX_JOB_CC=7" "$(cat out)"

printf '#!/bin/sh\n%s\n' 'echo $SLURM_NTASKS $SLURM_NPROCS $SLURM_CPUS_PER_TASK $SLURM_NNODES' >slurm.sh
chmod +x slurm.sh
deadline 20 hactor batch --quiet --wait -n 2 --compat=slurm -o out slurm.sh
check_equal "for its slots" "2 2 1" "$(cut -d' ' -f1-3 out)"
check_equal "as alloc" "2 2 1 1" "$(deadline 20 hactor alloc -N 1 --tasks-per-node=2 --compat=slurm ./slurm.sh)"
END
