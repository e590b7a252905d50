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
mkdir pages
while read -r name; do
  page=$(hactor $name --help) || fail "hactor $name --help ended with $?"
  printf "%s\n" "$page" >"pages/$name"
  check_equal "first line of $name" NAME "$(echo "$page" | head -n1)"
  for part in SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' EXAMPLE; do
    text=$(echo "$page" | sed -n "/^$part\$/,/^[A-Z]/p" | sed '1d;/^[A-Z]/d')
    [ "$(echo "$text" | tr -d '[:space:]' | wc -c)" -ge 8 ] || fail "hactor $name: $part is empty"
  done
  check_contains "$page" "hactor $name"
  check_equal "width of $name" "" "$(echo "$page" | grep -E '^.{100,}' | grep '[^ ] ' || true)"
  check_equal "help $name" "$page" "$(hactor help $name)"
done <all

# What each must say, beyond that it is there.
python3 - <<'PY'
import os, re

def part(page, name):
    found = re.search(r"(?ms)^" + name + r"\n(.*?)(?:\n\n(?=[A-Z ]+\n)|\Z)", page)
    assert found, name
    return found.group(1)

for name in sorted(os.listdir("pages")):
    page = open("pages/" + name).read()
    try:
        summary = part(page, "NAME").split(" - ", 1)[1].strip()
        assert summary[0].islower() and not summary.endswith("."), summary
        description = part(page, "DESCRIPTION").strip()
        assert len(description) > 25 and description.endswith((".", ")")), description
        options = re.split(r"(?m)^    (?=-)", part(page, "OPTIONS"))[1:]
        assert options[-1].startswith("-h, --help")
        if len(options) > 1:
            assert "OPTIONS" in part(page, "SYNOPSIS") or "[-" in part(page, "SYNOPSIS")
        spellings = [word for o in options for word in re.findall(r"(?:^|[ ,])(--?[a-zA-Z0-9-]+)", o.split("\n")[0])]
        assert len(spellings) == len(set(spellings)), sorted(spellings)
        for option in options:
            lines = option.split("\n")[1:]
            text = " ".join(line.strip() for line in lines if line.startswith("          "))
            assert len(text) > 10 and text.endswith((".", ")")), option
        codes = part(page, "EXIT STATUS")
        assert re.search(r"(?m)^ +(0|n) ", codes) and re.search(r"(?m)^ +2 ", codes), codes
        assert "hactor" in part(page, "EXAMPLE")
        part(page, "SEE ALSO")
    except AssertionError as e:
        raise SystemExit(f"hactor {name} --help: {e}")

submit = open("pages/submit").read()
at = 0
for heading in "What it needs:", "Its input and output:", "When, and where:", "When it fails:", "Many jobs:":
    at = submit.index("\n  " + heading + "\n", at)
assert "    --nice[=N]\n" in submit and "nice-text" not in submit
assert "HACTOR_URI" in submit and "ENVIRONMENT" not in open("pages/graph").read()
assert "What it needs:" not in open("pages/jobs").read()
PY
