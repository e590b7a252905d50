# Files by templates, one a task; modes, limits, labels; the variables of other systems.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
id=$(hactor submit --wait -n 2 -J job -o '{{id}}.{{name}}.{{taskid}}.{{ntasks}}' \
  sh -c 'echo task $HACTOR_TASK_RANK')
check_equal "one a task" "task 0
task 1" "$(cat "$id.job.0.2" "$id.job.1.2")"
hactor run -n 2 -o 'x-%x.%3t' -J name sh -c 'echo $HACTOR_TASK_RANK'
check_equal "Slurm's, padded" 1 "$(cat x-name.001)"
hactor run -o '%N.%n.{{node.name}}.{{node.id}}' echo there
[ "$(cat "$(hostname).0.$(hostname).0")" = there ] || fail "$(ls)"
hactor submit --quiet --wait --cc=3-4 -o 'array.%a.{cc}' echo {cc}
check_equal "arrays" "3
4" "$(cat array.3.3 array.4.4)"
hactor run -n 2 -l -o labelled sh -c 'echo line'
check_equal "labels" "0: line
1: line" "$(sort labelled)"
hactor run -o one -e two sh -c 'echo out; echo err >&2'
check_equal "apart" "out err" "$(cat one) $(cat two)"

# Modes: a file is emptied, or goes on; so do those of single tasks.
for expected in 1 1; do
  hactor run -o again echo x
  check_equal "emptied" "$expected" "$(wc -l <again)"
done
for expected in 2 3; do
  hactor run -o again -O output.mode=append echo x
  check_equal "appended" "$expected" "$(wc -l <again)"
done
fails_with 1 hactor run -O output.mode=mix true
check_contains "$output" "output.mode: must be truncate or append"

# A limit cuts what is captured, and says so.
hactor run -O output.limit=10 sh -c 'printf 0123456789abc; echo to err >&2' >out 2>err
check_equal "cut" 0123456789 "$(cat out)"
check_contains "$(cat err)" "to err"
check_contains "$(cat err)" "standard output of $(hostname) is cut off after output.limit, 10 bytes"
hactor run -O output.limit=1k sh -c 'head -c 5000 /dev/zero | tr "\0" x' >out 2>err
check_equal "1k" 1024 "$(wc -c <out)"
hactor run -O output.limit=1k -o file sh -c 'head -c 5000 /dev/zero'
check_equal "a file has none" 5000 "$(wc -c <file)"
fails_with 1 hactor run -O output.limit=much true
check_contains "$output" "output.limit"

# Words of a command have templates too.
check_equal "in commands" "0 of 1, {cc} {{nothing}}" \
  "$(hactor run echo '{{task.id}} of {{size}}, {cc} {{nothing}}')"
echo content >carried
check_equal "permissions" 755 "$(hactor run --add-file=x:755=carried stat -c %a '{{tmpdir}}/x')"
check_equal "text" "600 one two" "$(hactor run --add-file="x=one
two" sh -c 'echo $(stat -c %a "$1") $(cat "$1")' sh '{{tmpdir}}/x')"
fails_with 2 hactor run --add-file=x:8=carried true
check_contains "$output" "'8' is no set of permissions like 0755"
check_equal "carried" content "$(hactor run --add-file=carried cat '{{tmpdir}}/carried')"

check_equal "Slurm's variables" "1 1 0 0 7" "$(hactor submit --cc=7 --compat=slurm --watch --quiet sh -c \
  'echo $SLURM_NTASKS $SLURM_NNODES $SLURM_PROCID $SLURM_LOCALID $SLURM_ARRAY_TASK_ID')"
check_equal "Flux's variables" "1 0 yes" "$(hactor run --compat=flux sh -c \
  'echo $FLUX_JOB_SIZE $FLUX_TASK_RANK $([ "$FLUX_JOB_ID" = "$HACTOR_JOB_ID" ] && echo yes)')"
check_equal "threads" 1 "$(env -u OMP_NUM_THREADS hactor run -c 1 printenv OMP_NUM_THREADS)"
check_equal "threads of one's own" 9 "$(OMP_NUM_THREADS=9 hactor run -c 1 printenv OMP_NUM_THREADS)"
END

# A limit for all jobs that say nothing of it.
instance -S exec.output_limit=10 <<'END'
check_equal "of one that says nothing" 0123456789 "$(hactor run printf 0123456789abc 2>err)"
check_contains "$(cat err)" "is cut off after output.limit, 10 bytes"
check_equal "of one that does" 0123456789abc "$(hactor run -O output.limit=1k printf 0123456789abc)"
END
