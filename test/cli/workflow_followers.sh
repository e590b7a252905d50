# Subscribers: a thousand at once, one that stops reading, one that goes on by number, and one whose
# broker was killed and came back.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=10,cores=40 <<'END'
check_equal "many" "1000 were told" "$(workflow_probe many 1000)"

# By number: the second begins behind the last event of the first.
hactor submit --cc=1-20 --setattr=exec.test.run_duration=1ms --quiet true
first=$(workflow_probe follow 0 10 | grep -v begun)
last=$(echo "$first" | tail -1 | cut -d' ' -f1)
second=$(workflow_probe follow $((last + 1)) 11 | grep -v begun)
check_equal "both" 21 "$(printf '%s\n%s\n' "$first" "$second" | cut -d' ' -f2 | sort -u | wc -l)"

# Who does not read costs nothing: 100,000 events wait on disk, and come when they are read.
mkfifo go said
workflow_probe slow 10001 <go >said & slow=$!
exec 3>go 4<said
read -r line <&4
hactor submit --quiet --setattr=exec.test.run_duration=1ms true
read -r line <&4
check_equal "said" stopped "$line"
hactor submit --quiet --wait --cc=1-10000 --setattr=exec.test.run_duration=1ms true
echo >&3
read -r line <&4
check_equal "all of them" "100010 events" "$line"
wait $slow
END

# A broker that comes back: the follower sees each end once.
run_folder_stays=1
mkfifo uri ends
launch() {
  hactor-start --statedir="$scratch/state" -S resource.fake=nodes=1,cores=4 -- \
    sh -c 'echo $HACTOR_URI >uri; exec sleep 1000' </dev/null & instance=$!
  read -r found <uri
  folder=${found#local://}
  ln -sfn "${folder%/*}" here
  HACTOR_URI=local://$scratch/here/${folder##*/}
  export HACTOR_URI
}
of_instance() {
  left_processes | while read -r pid; do
    case $(cat "/proc/$pid/comm" 2>/dev/null) in hactor-start | sleep) echo "$pid" ;; esac
  done
}
is_gone() { [ -z "$(of_instance)" ]; }
kill_instance() {
  kill -9 $(of_instance) 2>/dev/null || true
  wait "$instance" || true
  eventually 20 is_gone
}
launch
deadline 40 workflow_probe follow 0 20 30 >ends & follower=$!
exec 5<ends
read -r line <&5
hactor submit --quiet --wait --cc=1-10 --setattr=exec.test.run_duration=1ms true
: >seen
for _ in 1 2 3 4 5 6 7 8 9 10; do read -r line <&5 && echo "$line" >>seen; done
kill_instance
unset HACTOR_URI
launch
hactor submit --quiet --wait --cc=1-10 --setattr=exec.test.run_duration=1ms true
cat <&5 >>seen
wait "$follower"
check_equal "ends" 20 "$(cut -d' ' -f2 seen | sort -u | wc -l)"
check_equal "lines" 20 "$(wc -l <seen)"
kill_instance
unset HACTOR_URI
