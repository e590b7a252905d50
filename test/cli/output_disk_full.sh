# What could not be written to standard output is complained of, and is no success.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >full.sh <<'END'
exec "$@" >/dev/full
END
instance <<'END'
id=$(hactor submit echo hello)
hactor job wait "$id"
for command in "submit true" "jobs -a" "run echo hello" "run -l echo hello" "job attach $id" \
    "exec echo hello" "events --since 0 --no-follow" "submit --quiet --watch echo hello" "help" "jobs --help"; do
  fails_with 1 deadline 20 sh full.sh hactor $command
  check_contains "$output" "standard output: No space left on device"
done
fails_with 3 sh full.sh hactor run sh -c 'echo hello; exit 3'
fails_with 1 sh -c 'hactor jobs -a >&-'
check_contains "$output" "standard output: Bad file descriptor"
fails_with 127 hactor exec no-such-command
check_contains "$output" "no-such-command: command not found"
fails_with 0 sh -c 'hactor jobs -a --json -c 0 | true'
END
