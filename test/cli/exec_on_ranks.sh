# hactor exec runs a command on the brokers that are meant, and exits with the largest code.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
check_equal "ranks" "$(seq 0 $((ranks - 1)) | xargs)" \
  "$(hactor exec -r all sh -c 'echo $HACTOR_RANK' | sort -n | xargs)"
check_equal "one, labelled" "$((ranks - 1)): here" "$(hactor exec -l -r $((ranks - 1)) echo here)"
fails_with $((ranks + 2)) hactor exec sh -c 'exit $((HACTOR_RANK + 3))'
check_contains "$output" "rank $((ranks - 1)): exit code $((ranks + 2))"
fails_with 127 hactor exec no-such-program
fails_with 1 hactor exec -r "$ranks" true
check_contains "$output" "ranks 0 to $((ranks - 1))"
END
