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
fails_with 2 hactor submit --nodse=1 true
check_contains "$output" "hactor-submit: unknown option '--nodse'; did you mean --nodes"
fails_with 2 hactor submit -n two true
check_contains "$output" "two"
fails_with 2 hactor submit
fails_with 2 hactor-start --setatr x=y true
check_contains "$output" "did you mean --setattr"
fails_with 1 hactor uptime
check_contains "$output" "HACTOR_URI is not set"
fails_with 0 hactor --version
fails_with 0 hactor-start --version
