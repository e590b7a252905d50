# What of a process manager a task sees: both kinds by default in a job of several tasks, those that
# were asked for, none in a job of one, and never those of the launcher around hactor.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

export PMIX_MCA_gds=foreign PMIX_SERVER_URI3=foreign FLUX_JOB_ID=foreign
instance -S resource.fake=nodes=1,cores=4 <<'END'
show='echo "${PMI_RANK-none} ${PMIX_RANK-none}"'
both="0 0 1 1"
if [ ! -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-pmix" ]; then
  both="0 none 1 none"
  fails_with 126 hactor run -n 2 -O pmi=pmix true
  check_contains "$output" "built without libpmix"
else
  check_equal "-O pmi=pmix" "none 0 none 1" "$(echo $(hactor run -n 2 -O pmi=pmix sh -c "$show" | sort))"
  check_equal "-O pmi=simple,pmix" "$both" \
    "$(echo $(hactor run -n 2 -O pmi=simple,pmix sh -c "$show" | sort))"
  # Nobody has asked: no server was started.
  check_equal "PMIx servers" "" "$(left_processes | xargs -n1 sh -c 'cat /proc/$0/comm' | grep pmix)"
fi
check_equal "by default" "$both" "$(echo $(hactor run -n 2 sh -c "$show" | sort))"
check_equal "-O pmi=simple" "0 none 1 none" \
  "$(echo $(hactor run -n 2 -O pmi=simple sh -c "$show" | sort))"
check_equal "-O pmi=off" "none none none none" "$(echo $(hactor run -n 2 -O pmi=off sh -c "$show"))"
check_equal "a job of one task" "0 none 1 none" \
  "$(hactor run sh -c "$show; echo \${PMI_SIZE-none} \${PMI_FD-none}" | paste -sd' ')"
check_equal "of one without PMI" "none none" "$(hactor run -O pmi=off sh -c "$show")"
check_lacks "$(hactor run -n 2 env)" foreign
fails_with 1 hactor run -n 2 -O pmi=fast true
check_contains "$output" "pmi: must be"
END
