# One instance a node, submitted in a loop, with unmodified lines of Flux: they run side by side, each
# on a node of its own, of which it sees no other.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=4,cores=2 <<'END'
mkdir bin
ln -s "$(command -v hactor)" bin/flux
PATH=$PWD/bin:$PATH
mkfifo up
exec 4<>up
# Each says where it is, and goes on only when all four have: they must be there at once.
for x in 1 2 3 4; do
  mkfifo "go.$x"
  cat >"my_workflow_$x.py" <<SCRIPT
#!/usr/bin/env python3
import os, subprocess
def flux(*words):
    return subprocess.run(["hactor", *words], check=True, capture_output=True, text=True).stdout
with open("sees.$x", "w") as f:
    f.write(flux("resource", "list", "-n", "-o", "{nnodes} {ncores} {nodelist}").splitlines()[0] + "\\n")
with open("jobs.$x", "w") as f:
    for _ in range(4):
        f.write(flux("run", "-n", "1", "hactor", "jobs", "-n", "-o", "{nodelist}"))
with open("up", "w") as f:
    f.write("up\\n")
open("go.$x").read()
with open("left.$x", "w") as f:
    f.write(flux("jobs", "-a", "-n", "-o", "{nodelist}"))
SCRIPT
  chmod +x "my_workflow_$x.py"
done
for x in 1 2 3 4; do
  flux submit -N1 flux start "./my_workflow_$x.py"
done >ids
for x in 1 2 3 4; do
  read -r line <&4
done
check_equal "all four run at once" 4 "$(hactor jobs -n -f run -o '{id}' | wc -l)"
check_equal "on four nodes" "fake0 fake1 fake2 fake3" "$(hactor jobs -n -f run -o '{nodelist}' | tr -d ' ' | sort | xargs)"
for x in 1 2 3 4; do
  echo go >"go.$x"
done
deadline 30 hactor job status $(cat ids)
check_equal "each sees one node with its cores" "1 2" "$(cut -d' ' -f1,2 sees.* | tr -s ' ' | sort -u)"
check_equal "and they are four" "fake0 fake1 fake2 fake3" "$(awk '{ print $3 }' sees.* | sort | xargs)"
for x in 1 2 3 4; do
  node=$(awk '{ print $3 }' "sees.$x")
  check_equal "nodes of the jobs in $x" "$node" "$(sort -u "left.$x" | tr -d ' ')"
  check_equal "how many there are in $x" 4 "$(wc -l <"left.$x")"
done
check_equal "jobs of this instance" 4 "$(hactor jobs -a -n | wc -l)"
END
