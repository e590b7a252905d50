# An id is read in every spelling of RFC 19 wherever one is asked for, and written in each.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
instance <<'END'
id=$(hactor submit --wait echo hello)
for form in f58 dec hex dothex kvs words emoji; do
  said=$(hactor job id --to=$form "$id")
  check_equal "back from $form" "$id" "$(hactor job id "$said")"
  check_equal "status by $form" "$id" "$(hactor jobs -n -o '{id}' "$said")"
  check_equal "attach by $form" hello "$(hactor job attach "$said")"
  hactor run --dependency="afterok:$said" true
  [ $form = f58 ] || check_equal "field id.$form" "$said" "$(hactor jobs -n -o "{id.$form}" "$id")"
done
check_equal "words" 4 "$(hactor job id --to=words "$id" | tr - '\n' | wc -l)"
hactor run -o "out.{{id.words}}" true
ls out.?????-?????-?????-????? >/dev/null || fail "no file is named by words"
fails_with 2 hactor job attach reform-remote-galileo--heart-package-academy
check_contains "$output" "words of Flux are not read"
fails_with 2 hactor job status babab-babab-babab-babax
check_contains "$output" "is not a job id: right are e.g."
fails_with 1 hactor job status babab-babab-babab-babad
check_contains "$output" "no job f2"

# Without ids: those of standard input.
other=$(hactor submit --wait true)
for form in dec words; do
  check_equal "from standard input" "$(hactor job id --to=$form "$id" "$other" "$id/$other")" \
    "$(printf '%s\n' "$id" "$other" "" " $id/$other " | hactor job id --to=$form)"
done
check_equal "of no ids" "" "$(hactor job id </dev/null)"
found=0
output=$(printf '%s\n' "$id" verse "$other" | hactor job id 2>&1) || found=$?
check_equal "a wrong one among them" 2 "$found"
check_contains "$output" "'verse'"
check_lacks "$output" "$other"
fails_with 2 hactor job id --to=verse "$id"
check_contains "$output" "f58plain, words, emoji"
END
