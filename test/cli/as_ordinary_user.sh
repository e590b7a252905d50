# An ordinary user starts instances of one broker and of two, and others cannot attach to them.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ "$(id -u)" = 0 ] || skip "all tests run as an ordinary user already"
setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null \
  || skip "an ordinary user can run nothing on this machine (is / closed to others?)"
chmod 711 "$scratch"
mkdir own
chown nobody own tmp
as_user() { # SCRIPT
  deadline 30 setpriv --reuid=65534 --regid=65534 --clear-groups env -u HACTOR_INSTANCES HOME="$scratch/own" "$@" </dev/null
}
cp "$(command -v hactor)" "$(command -v hactor-start)" own/ # the build may be where others cannot go
mkdir -p own/bin && mv own/hactor own/hactor-start own/bin/ && mkdir -p own/lib
cp -r "$HACTOR_TEST_BUILD/lib/hactor" own/lib/
chmod -R a+rX own
cd own
PATH=$scratch/own/bin:$PATH
check_equal "one broker" "1 nobody" "$(as_user hactor start sh -c 'echo $(hactor getattr size) $(hactor run id -un)')"
check_contains "$(as_user hactor start -s 2 sh -c 'hactor run -N 2 hactor getattr size')" "2
2"
mkfifo uri gate
chown nobody uri gate
as_user hactor start sh -c 'echo $HACTOR_URI >uri; read go <gate' & instance=$!
read -r uri <uri
chmod -R a+rwx "$(dirname "${uri#local://}")"
HACTOR_URI=$uri fails_with 1 setpriv --reuid=65533 --regid=65533 --clear-groups hactor uptime
echo go >gate
wait "$instance"
