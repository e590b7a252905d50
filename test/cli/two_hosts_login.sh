# From another machine: hactor ps finds the instance by the note that it has left in a shared folder, and commands
# reach it over TCP by its token or through ssh; a machine that is cut off, and an instance that was killed there.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/hosts_lib.sh"

make_hosts
export HOME=$scratch/home PYTHONPATH="${HACTOR_TEST_LIB%/test/cli/*}/workflow/python" PYTHONDONTWRITEBYTECODE=1
mkdir home
cat >ssh <<'END'
#!/bin/sh
echo "$*" >>"$HACTOR_TEST_SCRATCH/ssh.said"
exec "$HACTOR_TEST_SCRATCH/on_host" "$@"
END
chmod +x ssh
export HACTOR_SSH=$scratch/ssh
mkfifo ready.1 ready.2 gate.1 gate.2
begin() { # N OPTION...
  number=$1
  shift
  on_host nodea timeout -k 5 80 hactor-start -S instance.name=n$number "$@" -- \
    sh -c "'echo >$scratch/ready.$number; read go <$scratch/gate.$number; exit 5'" >said.$number 2>&1 &
}
begin 1 -S connector.tcp=0
first=$!
read -r _ <ready.1
begin 2
second=$!
read -r _ <ready.2

login() { # a command on the other machine
  on_host nodeb "$@"
}
check_equal "seen from there" "n1 nodea alive n2 nodea remote" "$(echo $(login hactor ps -n -o "'{name} {host} {state}'"))"
check_equal "with ssh" "n1 alive n2 alive" "$(echo $(login hactor ps --ssh -n -o "'{name} {state}'"))"
check_contains "$(login hactor ps -n -o "'{name} {way}'" | grep n1)" "n1 tcp://nodea:"
check_contains "$(login hactor ps -n -o "'{name} {way}'" | grep n2)" "n2 ssh://nodea/tmp/"
check_equal "on its own machine" local "$(on_host nodea hactor ps -n -o "'{way}'" | sed 's/:.*//' | sort -u)"

for name in n1 n2; do
  export HACTOR_URI=$name
  check_equal "run in $name" nodea "$(login hactor run -n1 hostname)"
  check_equal "input to $name" word "$(echo word | login hactor run -n1 cat)"
  found=0
  login hactor run -n1 sh -c "'exit 9'" 2>/dev/null || found=$?
  check_equal "exit code in $name" 9 "$found"
  id=$(login hactor submit -n1 hactor start sleep 1000)
  login hactor job wait-event -q "$id" memo
  check_equal "level in $name" 1 "$(HACTOR_URI=$name/$id login hactor getattr instance-level)"
  check_equal "Python in $name" 1 "$(HACTOR_URI=$name/$id login python3 -c "'import hactor; print(hactor.Connection().ask(\"hello\")[\"level\"])'")"
  login hactor cancel "$id"
  # One with brokers of its own has another socket.
  id=$(login hactor submit -n1 hactor start --boot=mpi sleep 1000)
  login hactor job wait-event -q "$id" memo
  check_equal "own brokers in $name" 1 "$(login hactor proxy "$id" hactor getattr instance-level)"
  login hactor cancel "$id"
done
unset HACTOR_URI
grep -q "nodea .*/hactor relay '/tmp/" ssh.said || fail "ssh was not asked: $(cat ssh.said)"
check_equal "the token" 600 "$(stat -c %a home/.config/hactor/key)"

# Without the token of that machine.
uri=$(login hactor uri n1)
mv home/.config/hactor/key home/away
fails_with 1 login env HACTOR_URI="$uri" hactor uptime
check_contains "$output" "home/.config/hactor/key is not there"
mv home/away home/.config/hactor/key

# All of an instance is killed at once: on its machine one sees that its process is gone, from the other only that
# nobody listens, which may be a firewall; of the one without TCP nobody else can say.
pid=$(login hactor ps -n -o "'{name} {pid}'" | awk '$1 == "n1" { print $2 }')
up() { awk '/^PPid/ { print $2 }' /proc/"$1"/status; }
supervisor=$(up "$pid")
kill -9 "$(up "$supervisor")" "$supervisor" "$pid"
wait $first && fail "it ended well"
is_dead() { case $(ps -o stat= -p "$pid") in *l*) return 1 ;; '' | Z*) ;; *) return 1 ;; esac }
eventually 20 is_dead
run_folder_stays=yes
check_equal "from the other machine" "n1 unreachable n2 remote" "$(echo $(login hactor ps -n -o "'{name} {state}'"))"
check_equal "on its own" "n1 gone n2 alive" "$(echo $(on_host nodea hactor ps -n -o "'{name} {state}'"))"
fails_with 1 login hactor --instance n1 uptime
check_contains "$output" "no instance listens at nodea:"
on_host nodea hactor ps --clean >/dev/null
check_equal "after --clean" n2 "$(login hactor ps -n -o "'{name}'")"
echo go >gate.2
found=0
wait $second || found=$?
check_equal "exit code of the other" 5 "$found"
check_equal "after their ends" "" "$(login hactor ps -n)"

# No cable.
begin 1 -S connector.tcp=10.99.0.1:0
first=$!
read -r _ <ready.1
check_equal "with a cable" "n1 alive" "$(login hactor ps -n -o "'{name} {state}'")"
pull_cable
check_equal "without one" "n1 unreachable" "$(deadline 15 "$scratch/on_host" nodeb hactor ps -n -o "'{name} {state}'")"
fails_with 1 login hactor --instance n1 uptime
check_contains "$output" "by ssh it is HACTOR_URI=ssh://nodea/"
echo go >gate.1
wait $first || :
