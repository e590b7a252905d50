# Two hosts on one machine: a network namespace and a host name each, and a cable between them; sourced behind lib.sh.
# Their names are nodea and nodeb, and both know them. Everything is gone at the end of the test.
# SPDX-License-Identifier: LGPL-3.0-or-later

make_hosts() {
  [ "$(id -u)" -eq 0 ] || skip "network namespaces need root, this is $(id -un)"
  for program in ip unshare nsenter; do
    command -v $program >/dev/null || skip "there is no '$program' here (iproute2, util-linux)"
  done
  space=hct$$
  on_end="for x in a b; do ip netns del ${space}\$x 2>/dev/null || :; done"
  why=$(ip netns add ${space}a 2>&1) || skip "no network namespace can be made here: $why"
  why=$(ip netns exec ${space}a true 2>&1) || skip "no network namespace can be entered here: $why"
  ip netns add ${space}b
  why=$(ip link add ${space}v netns ${space}a type veth peer name ${space}v netns ${space}b 2>&1) ||
    skip "no pair of network devices can be made here: $why"
  printf '127.0.0.1 localhost\n10.99.0.1 nodea\n10.99.0.2 nodeb\n' >"$scratch/hosts"
  for x in a b; do
    ip -n $space$x link set lo up
    ip -n $space$x link set ${space}v up
  done
  ip -n ${space}a addr add 10.99.0.1/24 dev ${space}v
  ip -n ${space}b addr add 10.99.0.2/24 dev ${space}v
  # How a command gets to a host: also what mpiexec calls in place of ssh, with options in front.
  cat >"$scratch/on_host" <<END
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1
shift
exec ip netns exec $space\${host#node} unshare -um sh -c '
  hostname "\$0" && mount --bind $scratch/hosts /etc/hosts && exec "\$@"' "\$host" sh -c 'eval "\$*"' sh "\$@"
END
  chmod +x "$scratch/on_host"
}

on_host() { # HOST WORD... ; the words are read by a shell of the host
  "$scratch/on_host" "$@"
}

pull_cable() {
  ip -n ${space}b link set ${space}v down
}
