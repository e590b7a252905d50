# kill -9 of all of an instance at fifty random moments (of one seed) while a thousand jobs with
# dependencies are submitted and run: after each restart no acknowledged job is lost; in the end
# each has ended once, and none began before the one it depends on had ended.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

run_folder_stays=1 # nobody is left to remove it
export ACKED=$scratch/acked TOTAL=1000
: >"$ACKED"

# Goes on where the last one was killed: what was acknowledged is in the file, with its dependency.
cat >driver.sh <<'END'
touch up # not a fifo: who is killed while it waits there may have taken its partner along
if [ -s "$ACKED" ]; then
  cut -d' ' -f1 "$ACKED" | sort >acked.ids
  hactor jobs -a -n -c 0 -o '{id}' | sort >known.ids
  comm -23 acked.ids known.ids >lost.ids
  [ ! -s lost.ids ] || { echo "lost: $(cat lost.ids)" >failure; exit 1; }
fi
round=0
while [ "$(wc -l <"$ACKED")" -lt "$TOTAL" ] && [ "$round" -lt "$BATCHES" ]; do
  round=$((round + 1))
  last=$(tail -n 1 "$ACKED" | cut -d' ' -f1)
  ids=$(hactor submit ${last:+-d afterany:$last} --cc=1-5 sh -c 'sleep 0.01') || exit 1
  printf '%s\n' "$ids" | sed "s/\$/ ${last:--}/" >>"$ACKED"
done
[ "$BATCHES" -lt "$TOTAL" ] && exec sleep 1000
until [ -z "$(hactor jobs -n)" ]; do sleep 0.1; done
hactor jobs -a -n -c 0 -o '{id}' >all.ids
hactor events --since 0 --no-follow >events
END

# Until none is left: one may have been made between the look and the kill.
kill_all() {
  while left=$(left_processes) && [ -n "$left" ]; do
    kill -9 $left 2>/dev/null || true # some may be gone by now
  done
}
kills=50 round=0
while [ "$round" -lt "$kills" ]; do
  round=$((round + 1))
  rm -f up
  BATCHES=4 $(launch_words) hactor-start --statedir="$scratch/state" -- sh driver.sh </dev/null 2>>log &
  instance=$!
  # Every fifth is killed while it starts.
  [ $((round % 5)) -eq 0 ] || deadline 20 sh -c 'until [ -e up ]; do sleep 0.01; done' || fail "round $round: $(tail -5 log)"
  sleep "$(awk -v seed="$round" 'BEGIN { srand(seed); printf "%.3f", 0.4 * rand() }')"
  kill_all
  wait "$instance" 2>/dev/null || true
  [ ! -e failure ] || fail "round $round: $(cat failure)"
done
BATCHES=$TOTAL deadline 150 $(launch_words) hactor-start --statedir="$scratch/state" -- sh driver.sh \
  </dev/null 2>>log || fail "the last start: $(tail -5 log)"
[ ! -e failure ] || fail "$(cat failure)"

python3 - "$ACKED" events all.ids <<'END'
import collections, json, sys
acked = [line.split() for line in open(sys.argv[1])]
ended, began, ends = {}, {}, collections.Counter()
for line in open(sys.argv[2]):
    e = json.loads(line)
    if e["name"] == "clean":
        ends[e["id"]] += 1
        ended[e["id"]] = e["seq"]
    elif e["name"] == "start" and e["id"] not in began:
        began[e["id"]] = e["seq"]
listed = collections.Counter(line.strip() for line in open(sys.argv[3]))
wrong = []
for id, before in acked:
    if listed[id] != 1:
        wrong.append(f"{id} is listed {listed[id]} times")
    if ends[id] != 1:
        wrong.append(f"{id} ended {ends[id]} times")
    if before != "-" and id in began and not ended.get(before, 1 << 62) < began[id]:
        wrong.append(f"{id} began before {before} had ended")
if len(acked) < 1000 or len(began) < 500 or wrong:
    sys.exit(f"{len(acked)} acknowledged, {len(began)} began; {wrong[:10]}")
END
