# What -O cannot mean is refused when the job is submitted or changed, not when it starts; names that
# nobody knows are told of.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=4,cores=4 <<'END'
for wrong in output.mode=bogus exit-timeout=soon rlimit.nothing=1 oom.adjust=2000 pmi=fast \
  sysmon.period=never coprocess.a=1 nosetpgrp=x pty.rows=0 pty=bogus pty.ranks=77 \
  output.stdout.buffer.type=bogus env-allow=PMI_RANK stage-in.name=x stage-in.names=a,,b \
  stage-in.destination=wrong:/x; do
  fails_with 1 hactor submit -O "$wrong" -N4 -x true
  check_contains "$output" "shell.options.${wrong%%=*}"
done
check_equal "jobs" "" "$(hactor jobs -a -n)"
id=$(hactor submit --hold true)
fails_with 1 hactor update "$id" attributes.system.shell.options.output.mode=bogus
check_contains "$output" "output.mode: must be truncate or append"
hactor update "$id" attributes.system.shell.options.output.mode=append
check_contains "$(hactor job info "$id" jobspec)" '"mode":"append"'
hactor cancel "$id"

# Names.
hactor submit -O exit-on-eror true 2>said
check_contains "$(cat said)" "hactor-submit: --setopt=exit-on-eror is no option of the shell; did you mean exit-on-error?"
id=$(hactor submit -O of-mine.x=4 true 2>said)
check_contains "$(cat said)" "--setopt=of-mine.x is no option of the shell"
check_contains "$(hactor job info "$id" jobspec)" '"of-mine":{"x":4}'
for none in pmi-simple.exchange.k=4 output.client.lwm=1; do
  hactor submit -O "$none" true 2>said
  check_contains "$(cat said)" "--setopt=${none%%=*} has no effect here"
done
check_equal "told once" 1 "$(hactor bulksubmit -O of-mine true ::: 1 2 3 2>&1 >/dev/null | wc -l)"
hactor submit -O plugins=none.so -O of-mine true 2>said # which may know it
check_equal "with plugins" "" "$(cat said)"
hactor submit -O verbose=2 -O rlimit.core=0 -O pty.rows=40 -O signal -t 1h true 2>said
check_equal "known" "" "$(cat said)"

# As Flux has them.
id=$(hactor submit --hold -O signal -t 1h true)
check_equal "a terminal for each task" 2 \
  "$(hactor run -N 2 -n 2 -O pty sh -c 'test -t 1 && echo yes' </dev/null | grep -c yes)"
check_equal "a person's is the first's" 1 \
  "$(hactor run -N 2 -n 2 -O pty.interactive sh -c 'test -t 1 && echo yes || echo no' </dev/null | grep -c yes)"
check_equal "-O pmi=pmi2,cray-pals" "0 1" \
  "$(echo $(hactor run -n 2 -O pmi=pmi2,cray-pals sh -c 'echo $PMI_RANK' | sort))"
export I_MPI_PMI_LIBRARY=/of/another
check_equal "-O mpi=intel" "0none 1none" \
  "$(echo $(hactor run -n 2 -O mpi=intel sh -c 'echo $PMI_RANK${I_MPI_PMI_LIBRARY-none}' | sort))"
check_equal "another" /of/another "$(hactor run sh -c 'echo $I_MPI_PMI_LIBRARY')"
fails_with 1 hactor run -O mpi=nowhere true
check_contains "$output" "intel"
END
