# Help lists all commands in groups; a mistyped name gets its neighbours and exit code 2.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

overview=$(hactor help)
for word in start submit run jobs cancel events uptime; do
  check_contains "$overview" "    $word "
  fails_with 0 hactor $word --help
  check_contains "$output" "EXIT STATUS"
  fails_with 0 hactor help $word
  check_contains "$output" "SYNOPSIS"
done
fails_with 2 hactor
fails_with 2 hactor submti
check_contains "$output" "did you mean submit"
fails_with 2 hactor job atach
check_contains "$output" "did you mean attach"
check_contains "$output" "hactor-job: unknown verb 'atach'"
fails_with 2 hactor job watch 1
check_contains "$output" "did you mean 'hactor watch'?"
fails_with 0 hactor job cancel --help # a verb of job, too, for scripts of Flux
check_contains "$output" "hactor cancel - "
fails_with 2 hactor --jobs
check_contains "$output" "unknown option '--jobs'"
fails_with 2 hactor jobs -f bogus
check_contains "$output" "'bogus' is neither a state nor a result; there are depend, priority,"
fails_with 2 hactor start --mpi=nompi true
check_contains "$output" "--mpi: must be mpich or openmpi, found 'nompi'"
fails_with 2 hactor submit --nodse=1 true
check_contains "$output" "hactor-submit: unknown option '--nodse'; did you mean --nodes?
Try 'hactor submit --help'."
fails_with 2 hactor submit -q --wait true
check_contains "$output" "option '-q' needs a value (NAME), and '--wait' is an option; -q is --queue, --quiet has no letter"
fails_with 2 hactor submit -q -n 4 true
check_contains "$output" "--queue: needs a name, found '-n'; for no output use --quiet"
fails_with 2 hactor submit -n two true
check_contains "$output" "two"
fails_with 2 hactor submit
fails_with 2 hactor-start --setatr x=y true
check_contains "$output" "did you mean --setattr"
fails_with 1 hactor uptime
check_contains "$output" "HACTOR_URI is not set"
fails_with 0 hactor --version
fails_with 0 hactor-start --version
