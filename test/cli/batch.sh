# A script becomes a job that is an instance: once, with its arguments, as it was when submitted.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
outer=$HACTOR_URI
cat >campaign.sh <<'SH'
#!/bin/sh
# hactor: --job-name="a campaign"
echo "$HACTOR_URI $#:$1"
hactor run echo inner
head -1 "$0"
exit 7
SH
mkfifo go
blocker=$(hactor submit -n 1 -c "$(nproc)" sh -c 'read line <go')
hactor job wait-event -q "$blocker" start
id=$(hactor batch campaign.sh 'one arg')
echo '#!/bin/false' >campaign.sh # while it waits
rm campaign.sh
echo >go
fails_with 7 deadline 30 hactor job status "$id"
check_equal "its name" "a campaign" "$(hactor jobs -a -n -o '{name}' "$id")"
check_equal "one task" 1 "$(hactor jobs -a -n -o '{ntasks}' "$id")"
check_contains "$(cat "hactor-$id.out")" "$outer/$id"
check_contains "$(cat "hactor-$id.out")" " 1:one arg
inner"
check_contains "$(cat "hactor-$id.out")" "#!/bin/sh"

# From standard input; a command line; its arguments; --output.
printf '#!/bin/sh\necho from stdin "$1"\n' >script
deadline 30 hactor batch --quiet --wait -o out - x <script
check_contains "$(cat out)" "from stdin x"
deadline 30 hactor batch --quiet --wait -o out --wrap='echo a; echo b'
check_contains "$(cat out)" "a
b"
deadline 30 hactor batch --quiet --wait -o out --wrap echo 'a  b'
check_contains "$(cat out)" "a b"
echo 'echo wrapped' | deadline 30 hactor batch --quiet --wait -o out --wrap
check_contains "$(cat out)" "wrapped"
check_equal "conf" 7 "$(deadline 30 hactor batch --quiet --wait -o out --conf sched.queue_depth=7 \
  --wrap hactor getattr sched.queue_depth && tail -1 out | tr -dc 0-9)"

# Options of the script, and of the command line, which wins.
printf '#!/bin/sh\n# flux: -n 1 -J inside\n#\n# flux: --output inside.out -o nosetpgrp\necho here\n' >script
id=$(deadline 30 hactor batch --wait -J outside script)
check_contains "$(cat inside.out)" "here"
check_equal "wins" outside "$(hactor jobs -a -n -o '{name}' "$id")"
printf '#!/bin/sh\n#SBATCH -n 1 -q normal -J slurmy --mail-type=END\n#SBATCH -o slurm-%%j.out\nexit 0\n' >script
fails_with 0 deadline 30 hactor batch --wait script
check_contains "$output" "hactor-batch: script: line 2: '--mail-type=END' has no meaning here"
id=$(echo "$output" | tail -1)
[ -e "slurm-$id.out" ] || fail "no slurm-$id.out: $(ls)"

for wrong in frob=1 exec.kill_timeout=7s sched.policy=lifo sched.queue_depth=few; do
  for verb in 'batch --wrap' alloc; do
    fails_with 2 hactor $verb --conf $wrong true
    check_contains "$output" "--conf: "
    check_contains "$output" "${wrong%=*}"
  done
done
fails_with 1 hactor batch gone.sh
check_contains "$output" "gone.sh: No such file"
printf 'echo\n' >script
fails_with 2 hactor batch script
check_contains "$output" "'#!/bin/sh'"
printf '#!/bin/sh\n#SBATCH --frobnicate\n' >script
fails_with 2 hactor batch script
check_contains "$output" "hactor-batch: script: line 2: unknown option '--frobnicate'"

# An allocation: a command, its exit code; one in the background.
fails_with 3 deadline 30 hactor alloc -n 1 sh -c 'echo "$HACTOR_URI"; exit 3'
check_contains "$output" "$outer/"
check_equal "input" "typed" "$(echo typed | deadline 30 hactor alloc -n1 cat | grep typed)"
id=$(deadline 30 hactor alloc --bg -n 1)
check_equal "in the background" R "$(hactor jobs -n -o '{status_abbrev}' "$id")"
check_equal "it is there at once" 1 "$(hactor proxy "$id" hactor getattr instance-level)"
hactor cancel "$id"
deadline 30 hactor job wait "$id" 2>/dev/null || true
fails_with 1 deadline 30 hactor alloc --bg -n 1 --conf sched.policy=./no-such.so
check_contains "$output" "without an instance"
# A person's: a shell on a terminal.
command -v script >/dev/null || exit 0
printf 'echo level-$((1+1)) at $HACTOR_URI\nexit 5\n' >typed
found=0
SHELL=/bin/sh script -qec "hactor alloc -n 1" /dev/null <typed >screen || found=$?
check_equal "the shell's exit code (screen: $(cat screen))" 5 "$found"
check_contains "$(cat screen)" "level-2 at local://"
END
