# The whole way of a new user: start, submit, list, attach. Five lines, without reading code.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >simulate <<'SH'
#!/bin/sh
echo "case $2 done"
SH
chmod +x simulate
instance <<'END'
hactor submit --cc=1-20 ./simulate --case '{cc}' >ids
hactor job status $(cat ids)
check_equal "ended" 20 "$(hactor jobs -a -n -o '{result}' | grep -c COMPLETED)"
check_equal "last" "case 20 done" "$(hactor job attach "$(tail -1 ids)")"
check_equal "together" "case 3 done" "$(hactor submit --cc=3 --watch --quiet ./simulate --case '{cc}')"
END
