# An instance that was killed as a whole leaves its folder to the next one to remove; what lives,
# and what is not hactor's, stays.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

folders() { find "$TMPDIR" -maxdepth 1 -name 'hactor-*' | sort; }

mkfifo stop
hactor-start sh -c 'echo up >>up; exec sleep 300' &
killed=$!
hactor-start sh -c 'echo up >>up; read line <stop' &
living=$!
until [ "$(cat up 2>/dev/null | wc -l)" = 2 ]; do sleep 0.05; done
check_equal "run folders" 2 "$(folders | wc -l)"
# All of its processes at once: any one that is killed alone is survived by one that cleans up.
supervisor=$(pgrep -P "$killed" hactor-start)
kill -9 "$supervisor" "$killed" "$(pgrep -P "$supervisor" hactor-start)" 2>/dev/null || true
wait "$killed" 2>/dev/null || true
check_equal "left by the killed one" 2 "$(folders | wc -l)"

# Not run folders, though they look alike: without an owner, of another mode, a link, a longer name.
mkdir -m 700 "$TMPDIR/hactor-aaaaaa"
mkdir -m 755 "$TMPDIR/hactor-bbbbbb"
mkdir -m 700 "$TMPDIR/hactor-longer-name" elsewhere
for folder in "$TMPDIR/hactor-bbbbbb" "$TMPDIR/hactor-longer-name" elsewhere; do
  hostname >"$folder/owner"
done
ln -s "$PWD/elsewhere" "$TMPDIR/hactor-cccccc"

# The lock is free once the broker has noticed, and ended what it had started.
for _ in $(seq 50); do
  hactor-start true
  [ "$(folders | wc -l)" = 5 ] && break
  sleep 0.1
done
check_equal "left after the sweep" 5 "$(folders | wc -l)"
test -e elsewhere/owner
live=$(folders | grep -v -e aaaaaa -e bbbbbb -e cccccc -e longer)
test -S "$live/local" || fail "the living instance lost its folder"
echo go >stop
wait "$living"
rm -rf "$TMPDIR"/hactor-*
