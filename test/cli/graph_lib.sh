# Resource graphs for tests, in a few words. Sourced after lib.sh.
# SPDX-License-Identifier: LGPL-3.0-or-later

# A JGF of lines on standard input, indented by one blank a level of containment:
#   TYPE ID [rank=N] [size=N] [unit=U] [KEY=VALUE property]... [as NAME]
# and of edges: SUBSYSTEM: FROM > TO..., by the names.
write_jgf() { # FILE
  python3 -c '
import json, sys
nodes, edges, names, above = [], [], {}, []
def edge(a, b, subsystem):
    edges.append({"source": a, "target": b, "metadata": {"subsystem": subsystem}})
for line in sys.stdin.read().splitlines():
    words = line.split()
    if not words or words[0].startswith("#"):
        continue
    if words[0].endswith(":"):
        for to in words[3:]:
            edge(names[words[1]], names[to], words[0][:-1])
        continue
    depth = len(line) - len(line.lstrip())
    key = str(len(nodes))
    meta = {"type": words[0], "id": int(words[1])}
    rest = words[2:]
    if "as" in rest:
        names[rest[rest.index("as") + 1]] = key
        rest = rest[:rest.index("as")]
    for k, v in (w.split("=", 1) for w in rest):
        if k in ("rank", "size"):
            meta[k] = int(v)
        elif k == "unit":
            meta[k] = v
        else:
            meta.setdefault("properties", {})[k] = v
    nodes.append({"id": key, "metadata": meta})
    del above[depth:]
    if above:
        edge(above[-1], key, "containment")
    above.append(key)
print(json.dumps({"graph": {"nodes": nodes, "edges": edges}}))' >"$1"
}

# A jobspec: RESOURCES is a YAML list in flow style; tasks run in the slot "task" unless TASKS, a
# YAML list too, says otherwise. It runs for DURATION seconds that are pretended.
write_spec() { # FILE DURATION RESOURCES [TASKS]
  tasks='[{command: ["true"], slot: task, count: {per_slot: 1}}]'
  cat >"$1" <<END_OF_SPEC
version: 9999
resources: $3
tasks: ${4:-$tasks}
attributes: {system: {duration: $2, exec: {test: {run_duration: "$2s"}}}}
END_OF_SPEC
}

# What R says of a job's shares of pools and of resources other than cores and GPUs: PATH=AMOUNT...
charges() { # ID
  hactor job info "$1" R | python3 -c '
import json, sys
x = json.load(sys.stdin).get("scheduling", {})
print(" ".join(sorted(f"{c[1]}={c[-1]}" for c in x.get("charges", []) + [[0, o[0], o[2]] for o in x.get("others", [])])))'
}
ranks() { # ID
  hactor jobs -a -n -o '{ranks}' "$1"
}
begun() { # ID...
  for job in "$@"; do deadline 20 hactor job wait-event "$job" alloc >/dev/null; done
}
ended() { # ID...
  hactor cancel "$@"
  for job in "$@"; do deadline 20 hactor job wait-event "$job" clean >/dev/null; done
}
