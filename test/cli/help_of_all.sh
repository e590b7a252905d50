# Each command of the table has a page: what it is for, how it is written, its options, exit codes
# and an example; 'hactor help' names it or its noun does.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# The names, from the completion that is made of the same table.
names() { # overview
  sed -n 's/^    \([a-z-]\{2,\}\)  .*/\1/p'
}
hactor help | names >tops
[ "$(wc -l <tops)" -gt 25 ] || fail "the overview has too few commands: $(cat tops)"
cp tops all
while read -r top; do
  hactor "$top" --help | sed -n '/^COMMANDS/,/^OPTIONS/s/^    \([a-zR-]* [a-zR-]*\)  .*/\1/p' >>all
done <tops
[ "$(wc -l <all)" -gt 60 ] || fail "the nouns have too few verbs: $(cat all)"
while read -r name; do
  page=$(hactor $name --help) || fail "hactor $name --help ended with $?"
  check_equal "first line of $name" NAME "$(echo "$page" | head -n1)"
  for part in SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' EXAMPLE; do
    text=$(echo "$page" | sed -n "/^$part\$/,/^[A-Z]/p" | sed '1d;/^[A-Z]/d')
    [ "$(echo "$text" | tr -d '[:space:]' | wc -c)" -ge 8 ] || fail "hactor $name: $part is empty"
  done
  check_contains "$page" "hactor $name"
  check_equal "width of $name" "" "$(echo "$page" | grep -E '^.{100,}' | grep '[^ ] ' || true)"
  check_equal "help $name" "$page" "$(hactor help $name)"
done <all
