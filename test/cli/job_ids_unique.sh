# Ids from many submitters are unique and increase with time.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cat >many.sh <<'SH'
for i in 1 2 3 4 5; do hactor submit --cc=1-100 --setattr=exec.test.run_duration=0 true; done
SH
hactor exec sh many.sh >ids & one=$!
hactor exec sh many.sh >more & two=$!
wait $one
wait $two
cat ids more >all
check_equal "unique ids" $((ranks * 1000)) "$(sort -u all | wc -l)"
first=$(hactor job id --to=dec "$(head -1 ids)")
last=$(hactor job id --to=dec "$(hactor submit true)")
[ "$first" -lt "$last" ] || fail "$first, $last: ids do not increase"
[ "$last" = "$(hactor job id --to=dec "$(hactor job id --to=hex "$last")")" ] || fail "forms differ"
END
