# What a job cannot be given is refused, or told of: a directory that was removed, bytes that are not
# UTF-8.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
mkdir gone
cd gone
rmdir ../gone
for command in run submit exec alloc "batch --wrap"; do
  # The command line is wrong, but for exec, which has no table of a job's.
  case $command in exec) code=1 ;; *) code=2 ;; esac
  fails_with $code hactor $command touch "file_$$"
  check_contains "$output" "the working directory was removed"
done
fails_with 0 hactor run --cwd="$HACTOR_TEST_SCRATCH" true
cd "$HACTOR_TEST_SCRATCH"
test ! -e "/file_$$"

odd=$(printf 'caf\351')
for words in "run echo $odd" "run -o $odd true" "submit --job-name=$odd true" \
    "run --env=A=$odd true" "bulksubmit echo {} ::: a $odd"; do
  fails_with 2 hactor $words
  check_contains "$output" "caf\\xe9"
done
fails_with 1 hactor exec echo "$odd"
check_contains "$output" "'caf\\xe9' is not UTF-8"
said=$(ODD=$odd GOOD=café hactor run sh -c 'echo "${ODD-unset} $GOOD"' 2>warned)
check_equal "variables" "unset café" "$said"
check_equal "the warning" "hactor-run: the environment variable ODD is left out: it is not UTF-8" \
  "$(cat warned)"
END
