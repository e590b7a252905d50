# hactor uri pid:, slurm:, lsf:, pbs:, jobid:; hactor proxy takes them too; what is wrong is told with
# what would be right.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkfifo ready gate
SLURM_JOB_ID=4711 start -S instance.name=one -- \
  sh -c 'env -i sleep 1000 & echo $$ $! >ready; read go <gate; kill $!' &
first=$!
read -r script bare <ready
uri=$(hactor uri one)
check_equal "what it runs in" slurm:4711 "$(hactor ps -n -o '{within}')"
broker=$(hactor ps -n -o '{pid}')
started=$(ps -o ppid= -p "$broker" | tr -d ' ')
for pid in "$script" "$broker" "$bare" "$started"; do
  check_equal "of $pid, $(cat "/proc/$pid/comm")" "$uri" "$(hactor uri pid:"$pid")"
done
check_equal "by the job of Slurm" "$uri" "$(hactor uri slurm:4711)"
check_equal "for others" "ssh://$(hostname)${uri#local://}" "$(hactor uri --remote slurm:4711)"
check_equal "a command there" one "$(hactor proxy slurm:4711 hactor getattr instance.name)"
check_equal "a command there" one "$(hactor proxy "pid:$script" hactor getattr instance.name)"
id=$(hactor --instance one submit -n1 hactor start sleep 1000)
hactor --instance one job wait-event -q "$id" memo
check_equal "one within" "$uri/$id" "$(hactor uri "slurm:4711/$id")"
check_equal "of a job" "$uri/$id" "$(HACTOR_URI=$uri hactor uri "jobid:$id")"
task=$(HACTOR_URI=$uri hactor proxy "$id" hactor submit sleep 500)
HACTOR_URI=$uri hactor proxy "$id" hactor job wait-event -q "$task" start
pid=$(HACTOR_URI=$uri/$id hactor job hostpids "$task")
check_equal "of a task within" "$uri/$id" "$(hactor uri "pid:${pid#*:}")"

fails_with 1 hactor uri slurm:4712
check_contains "$output" "there are slurm:4711"
fails_with 1 hactor uri lsf:4711
fails_with 1 hactor uri pid:1
check_contains "$output" "is of no instance"
fails_with 1 hactor uri pid:999999999
check_contains "$output" "no such process"
fails_with 1 hactor uri jobid:f1 # of which instance?
check_contains "$output" "HACTOR_URI"
for wrong in pid: pid:x slurm: sge:7; do
  fails_with 2 hactor uri "$wrong"
  fails_with 2 hactor proxy "$wrong" true
done
fails_with 2 hactor uri sge:7
check_contains "$output" "slurm:ID, lsf:ID or pbs:ID"
fails_with 1 hactor uri nobody
check_contains "$output" "a target is ID"
echo go >gate
wait $first
fails_with 1 hactor uri slurm:4711
check_contains "$output" "none runs in a job of a batch system"
env -u SLURM_JOB_ID PBS_JOBID=12.server hactor-start sh -c 'hactor uri pbs:12 >found; hactor getattr uri >own'
check_equal "PBS" "$(cat own)" "$(cat found)"
env LSB_JOBID=12 hactor-start sh -c 'hactor uri lsf:12 >found; hactor getattr uri >own'
check_equal "LSF" "$(cat own)" "$(cat found)"
