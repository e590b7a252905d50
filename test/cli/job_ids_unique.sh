# Ids from many submitters are unique and increase with time: 40,000 of each rank (a million, of all
# generators at once: ids_test).
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cat >many.sh <<'SH'
for i in 1 2 3 4 5; do hactor submit --hold --cc=1-4000 true; done
SH
hactor exec sh many.sh >ids & one=$!
hactor exec sh many.sh >more & two=$!
wait $one
wait $two
cat ids more >all
check_equal "unique ids" $((ranks * 40000)) "$(sort -u all | wc -l)"
first=$(hactor job id --to=dec "$(head -1 ids)")
last=$(hactor job id --to=dec "$(hactor submit true)")
[ "$first" -lt "$last" ] || fail "$first, $last: ids do not increase"
hactor cancel --all -q
[ "$last" = "$(hactor job id --to=dec "$(hactor job id --to=hex "$last")")" ] || fail "forms differ"
END
