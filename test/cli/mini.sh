# The older spelling: hactor mini VERB is hactor VERB, to the last byte of its jobspec; what is no
# verb of it is refused with those that are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

printf '#!/bin/sh\ntrue\n' >script.sh
for words in "submit -N 2 -n 4 -c 2 -t 2m --mem=1G sleep 120" "run -n 2 --label-io hostname" \
  "bulksubmit -n 2 echo {} ::: a b c" "batch -N 2 script.sh" "alloc -N 1 true" \
  "submit -N 1 hactor start ./script.sh"; do
  now=$(hactor ${words%% *} --dry-run ${words#* })
  [ -n "$now" ] || fail "nothing printed by: $words"
  check_equal "$words" "$now" "$(hactor mini ${words%% *} --dry-run ${words#* })"
done
fails_with 0 hactor mini submit --help
check_contains "$output" "hactor submit - submits a job"
check_equal "help" "$output" "$(hactor help mini submit)"
for page in "mini --help" "help mini"; do
  fails_with 0 hactor $page
  for verb in submit run bulksubmit batch alloc; do
    check_contains "$output" "    $verb "
  done
done
check_contains "$(hactor help)" "    mini "
fails_with 2 hactor mini
check_contains "$output" "hactor-mini: needs a verb: submit, run, bulksubmit, batch or alloc"
fails_with 2 hactor mini sumbit true
check_contains "$output" "hactor-mini: unknown verb 'sumbit'; did you mean submit?"
fails_with 2 hactor mini jobs
check_contains "$output" "did you mean 'hactor jobs'?"
if command -v bash >/dev/null; then
  completed() { # WORD...
    hactor help --bash-completion >completion.sh
    bash -c '. ./completion.sh
      COMP_WORDS=(hactor "$@") COMP_CWORD=$#
      compopt() { :; }
      _hactor
      echo "${COMPREPLY[*]}"' completion "$@"
  }
  check_contains " $(completed mini '') " " bulksubmit "
  check_contains "$(completed mini submit --nt)" "--ntasks="
fi
