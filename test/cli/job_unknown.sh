# An id that no job has, and text that is no id, are refused by name.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
for verb in 'job attach' 'job status' 'job eventlog' 'cancel' 'job kill' 'jobs'; do
  fails_with 1 hactor $verb f99999
  check_contains "$output" f99999
done
fails_with 2 hactor job wait f99999 # as when there is nothing left to wait for
check_contains "$output" "no job f99999"
fails_with 1 hactor job info f99999 R
fails_with 1 hactor job wait-event f99999 start
check_contains "$output" f99999
fails_with 2 hactor cancel not-an-id
check_contains "$output" not-an-id
fails_with 2 hactor job status '=%'
END
