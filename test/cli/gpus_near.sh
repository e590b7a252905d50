# Jobs get cores and GPUs that lie together, and each task the GPUs near its cores, where GPUs are
# not numbered as the cores are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# A graph of nodes of two sockets.
graph() { # NODES CORES GPUS CORES GPUS
  nodes='{"id":"r","metadata":{"type":"cluster","id":0,"rank":-1,"paths":{"containment":"/cluster0"}}}'
  edges= count=$1
  shift
  vertex() { # ID TYPE NUMBER RANK PATH ABOVE
    nodes="$nodes,{\"id\":\"$1\",\"metadata\":{\"type\":\"$2\",\"id\":$3,\"rank\":$4,\"paths\":{\"containment\":\"$5\"}}}"
    edges="$edges${edges:+,}{\"source\":\"$6\",\"target\":\"$1\"}"
  }
  for n in $(seq 0 $((count - 1))); do
    vertex "n$n" node "$n" "$n" "/cluster0/node$n" r
    for s in 0 1; do
      vertex "n$n.s$s" socket $s "$n" "/cluster0/node$n/socket$s" "n$n"
      if [ $s = 0 ]; then cores=$1 gpus=$2; else cores=$3 gpus=$4; fi
      for c in $cores; do vertex "n$n.c$c" core "$c" "$n" "/cluster0/node$n/socket$s/core$c" "n$n.s$s"; done
      for g in $gpus; do vertex "n$n.g$g" gpu "$g" "$n" "/cluster0/node$n/socket$s/gpu$g" "n$n.s$s"; done
    done
  done
  echo "{\"graph\":{\"nodes\":[$nodes],\"edges\":[$edges]}}"
}

# As on Frontier: the GPUs of socket 0 are the last ones.
graph 2 "0 1 2 3" "2 3" "4 5 6 7" "0 1" >crossed.json
instance -S resource.graph=crossed.json <<'END'
see='echo $CUDA_VISIBLE_DEVICES'
of() { # OPTION... : the R of a job
  job=$(hactor submit "$@" true)
  hactor job wait-event -q "$job" alloc
  hactor job info "$job" R
}
check_equal "each task has the near ones" "0: 2,3
1: 0,1" "$(hactor run -l -n 2 -c 4 -g 2 sh -c "$see" | sort)"
check_equal "one each" "0: 2
1: 3
2: 0
3: 1" "$(hactor run -l -n 4 -c 2 -g 1 sh -c "$see" | sort)"
check_equal "of a whole node" "0: 2
1: 3
2: 0
3: 1" "$(hactor run -l -N 1 --exclusive --tasks-per-node=4 --gpu-affinity=per-task sh -c "$see" | sort)"
check_equal "of both nodes" "0: 2,3
1: 0,1
2: 2,3
3: 0,1" "$(hactor run -l -N 2 -n 4 -c 4 -g 2 sh -c "$see" | sort)"
said=$(hactor run -v -n 2 -c 4 -g 2 true 2>&1)
check_contains "$said" "task 0 on node0: not bound (the resources are pretended), GPUs 2-3"
check_contains "$said" "task 1 on node0: not bound (the resources are pretended), GPUs 0-1"
check_equal "one core has its socket's" "2,3" "$(hactor run -c 1 -g 2 sh -c "$see")"
check_contains "$(of -n 1 -c 1 -g 2)" '"core":"0","gpu":"2-3"'

# In an instance of a job the same is known.
check_equal "nested" "0: 2,3
1: 0,1" "$(hactor run -N 1 --exclusive hactor start hactor run -l -n 2 -c 4 -g 2 sh -c "$see" | sort)"
END

# Ordinary numbers, and one core of socket 0 busy: what fits in socket 1 is not taken across both.
graph 1 "0 1 2 3" "0 1" "4 5 6 7" "2 3" >straight.json
mkfifo hold
for match in lonode low locality first; do
  instance -S resource.graph=straight.json -S sched.match=$match <<'END'
exec 3<>hold
one=$(hactor submit -n 1 -c 1 sh -c 'read -r line <hold')
hactor job wait-event -q "$one" start
busy=$(hactor job info "$one" R | sed 's/.*"core":"\([0-9]\)".*/\1/')
if [ "$busy" -lt 4 ]; then cores=4-7 gpus=2-3; else cores=0-3 gpus=0-1; fi
job=$(hactor submit -n 1 -c 4 -g 2 true)
hactor job wait-event -q "$job" alloc
check_contains "$(hactor job info "$job" R)" "\"core\":\"$cores\",\"gpu\":\"$gpus\""
hactor job wait "$job" >wait.out
echo >&3
hactor job wait "$one" >wait.out
END
done

# What hwloc finds of a machine whose GPUs are crossed is in the graph ...
HWLOC_XMLFILE=$(cd "${0%/*}/../data/graph" && pwd)/crossed_host.xml
export HWLOC_XMLFILE
[ "$launcher" = alone ] || exit 0
instance <<'END'
check_contains "$(hactor resource show rank0/socket0/numanode0)" gpu2
check_contains "$(hactor resource show rank0/socket1/numanode1)" gpu0
check_equal "of what was found" "0: 2,3
1: 0,1" "$(hactor run -l -n 2 -c 4 -g 2 --cpu-affinity=off sh -c 'echo $CUDA_VISIBLE_DEVICES' | sort)"
END

# ... and asked again where a graph of this host says nothing of it.
echo '{"version":1,"execution":{"R_lite":[{"rank":"0","children":{"core":"0-7","gpu":"0-3"}}],
  "starttime":0,"expiration":0,"nodelist":["'"$(hostname)"'"]}}' >flat.json
instance -S resource.graph=flat.json -S sched.graph_format=rv1exec <<'END'
check_equal "of a flat graph" "0: 2,3
1: 0,1" "$(hactor run -l -n 2 -c 4 -g 2 --cpu-affinity=off sh -c 'echo $CUDA_VISIBLE_DEVICES' | sort)"
END
