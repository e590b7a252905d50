# A job for each combination of inputs, in their order; templates in the command and in options.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

check_equal "combined" "bulksubmit: submit echo 3 1
bulksubmit: submit echo 4 1
bulksubmit: submit echo 3 2
bulksubmit: submit echo 4 2" "$(hactor bulksubmit --dry-run echo '{1}' '{0}' ::: 1 2 ::: 3 4)"
check_equal "defined" "bulksubmit: submit -n1 hostname
bulksubmit: submit -n2 hostname
bulksubmit: submit -n16 hostname" \
  "$(hactor bulksubmit --dry-run --define=p2='2**int(x)' -n '{.p2}' hostname ::: 0 1 4)"
check_equal "lines of standard input" "bulksubmit: submit echo 'a b'
bulksubmit: submit echo c" "$(printf 'a b\nc\n' | hactor bulksubmit --dry-run echo '{}')"
printf 'a.x\nb.x\n' >names
check_equal "linked files" "bulksubmit: submit -oa.out cat a.x 1
bulksubmit: submit -ob.out cat b.x 2" \
  "$(hactor bulksubmit --dry-run --output='{.%}.out' cat '{}' '{1}' :::: names :::+ 1 2)"
check_equal "command lines" "bulksubmit: submit echo 'x y'
bulksubmit: submit true" "$(printf "echo 'x y' # why\ntrue\n" | hactor bulksubmit --dry-run)"
check_equal "shuffled" "$(seq 100)" \
  "$(seq 100 | hactor bulksubmit --dry-run --shuffle echo '{}' | cut -d' ' -f4 | sort -n)"
fails_with 2 hactor bulksubmit --dry-run echo '{1}' ::: a
check_contains "$output" "'{1}': there is 1 input lists, counted from 0"
fails_with 2 hactor bulksubmit --dry-run --define=x=1/0 echo '{.x}' ::: a
check_contains "$output" "a division by 0"
fails_with 2 hactor bulksubmit echo '{}' # an empty standard input
check_contains "$output" "standard input is empty"

instance <<'END'
hactor bulksubmit --output='{}.{seq1}.{cc}.out' --cc=0-1 sh -c 'echo {0} {cc} $HACTOR_JOB_CC' \
  ::: a b >ids
check_equal "ids" 4 "$(sort -u ids | wc -l)"
hactor job status $(cat ids)
check_equal "each its own" "a 0 0
a 1 1
b 0 0
b 1 1" "$(cat a.1.0.out a.1.1.out b.2.0.out b.2.1.out)"

# {cc} in an option of which each copy has its own, alone and beside inputs.
check_sizes() { # OPTIONS: two inputs, two copies of each
  ids=$(hactor bulksubmit "$@" --cc=1-2 true ::: a b)
  check_equal "sizes with $*" "1 1 2 2" \
    "$(echo $(hactor jobs -a -n -o 'sort:ntasks {ntasks}' $ids))"
  check_equal "arrays with $*" "1 2 1 2" "$(echo $(hactor jobs -a -n -o 'sort:id {index}' $ids))"
}
check_sizes --wait -n '{cc}'
check_sizes --wait -n '{cc}' --job-name='of-{}'
check_sizes --wait --max-in-flight=2 -n '{cc}' --job-name='of-{}'
fails_with 2 hactor bulksubmit -n '{cc}' --cc=0-1 true ::: a
check_contains "$output" "--ntasks: '0'"

# The order of the ids is that of the inputs, over many requests and with equal commands among them.
{ seq 5000; printf '7\n7\n7\n'; } >many
hactor bulksubmit --setattr=exec.test.run_duration=0 echo '{}' :::: many >ids
check_equal "ids" 5003 "$(sort -u ids | wc -l)"
for line in 1 4999 5001 5003; do
  check_contains "$(hactor job info "$(sed -n ${line}p ids)" jobspec)" \
    "\"command\":[\"echo\",\"$(sed -n ${line}p many)\"]"
done
deadline 40 hactor job wait --all

# What fails is told of; nothing is accepted of a request with a job that is refused.
fails_with 1 hactor bulksubmit -n '{}' true ::: 1 100000
check_contains "$output" "hactor-bulksubmit: "
for wrong in 'true {5}' '-n {} true' '--define=x=1/0 true {.x}' '--max-in-flight=1 true {5}'; do
  fails_with 2 hactor bulksubmit $wrong ::: a
done
fails_with 3 deadline 20 hactor bulksubmit --wait --quiet sh -c 'exit {}' ::: 0 3 1
check_contains "$output" "Exit 3"
check_equal "watched" "a
b" "$(deadline 20 hactor bulksubmit --watch --quiet echo '{}' ::: a b | sort)"
fails_with 0 deadline 20 hactor bulksubmit --wait --quiet --jps true ::: 1 2 3
check_contains "$output" "3 jobs in "
check_contains "$output" " jobs/s"
# A bar, where there is a terminal.
command -v script >/dev/null || exit 0
script -qec "hactor submit --wait --progress --cc=1-20 true" /dev/null >screen
check_contains "$(cat screen)" "CD:20 F:0 of 20"
check_contains "$(cat screen)" "100%"
END
