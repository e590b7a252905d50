# Start files of a job's shell (Lua): the system's, the user's and those that options name; what they
# set, load, register and read; other files that they source; kinds of MPI; and mistakes, which are
# told with file and line.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-plugins" ] || skip "hactor was built without Lua"
XDG_CONFIG_HOME=$scratch/config
HACTOR_SHELL_RC_PATH=$scratch/more
export XDG_CONFIG_HOME HACTOR_SHELL_RC_PATH
own=$XDG_CONFIG_HOME/hactor/shell
mkdir -p "$own/mpi" more/mpi lua.d
echo 'shell.setenv("USERS", "own") shell.setenv("WHO", "user")' >"$own/initrc.lua"
cat >system.lua <<'LUA'
shell.setenv("SYSTEMS", "own")
shell.setenv("WHO", "system")
shell.source_rcpath("*.lua")
LUA
echo 'shell.setenv("BESIDE", "beside")' >lua.d/beside.lua
echo 'shell.setenv("MORE", "more")' >more/more.lua
echo 'shell.setenv("FAST_MPI", shell.options.mpi)' >"$own/mpi/fast.lua"
echo 'shell.setenv("SLOW_MPI", "yes")' >more/mpi/slow.lua
nodes=$((ranks > 1 ? ranks : 2))
export nodes

instance -S "resource.fake=nodes=$nodes,cores=4" -S exec.shell_initrc="$scratch/system.lua" \
  -S exec.shell_pluginpath="$HACTOR_TEST_BUILD/lib" <<'END'
# Which files are read.
show='echo "${SYSTEMS-} ${BESIDE-} ${MORE-} ${USERS-} ${WHO-}"'
check_equal "by default" "own beside more own user" "$(hactor run sh -c "$show")"
check_equal "-O initrc=none" "   own user" "$(hactor run -O initrc=none sh -c "$show")"
check_equal "-O userrc=none" "own beside more  system" "$(hactor run -O userrc=none sh -c "$show")"
echo 'shell.setenv("WHO", "me")' >me.lua
check_equal "-O initrc=FILE" "   own user" "$(hactor run -O initrc=me.lua sh -c "$show")"
check_equal "-O userrc=FILE" "own beside more  me" "$(hactor run -O userrc=me.lua sh -c "$show")"

# What they can do.
cat >rc.lua <<'LUA'
source("part*.lua")
source_if_exists("missing.lua")
assert(not pcall(source, "missing.lua"))
assert(not pcall(function () return task.info end))
assert(shell.rcpath == os.getenv("PWD") or shell.rcpath == ".")
assert(shell.options.verbose == 0 and shell.getopt("deep.er") == 7)
assert(shell.getopts().userrc == "rc.lua" and shell.options.missing == nil)
local info, own = shell.info, shell.rankinfo
assert(info.ntasks == 4 and info.jobspec.version == 1 and info.R.version == 1)
assert(own.id == info.rank and own.broker_rank >= 0 and own.resources.ncores >= 2)
assert(shell.get_rankinfo(0).id == 0 and shell.get_rankinfo(99) == nil)
shell.setenv("KEPT", "new", false)
shell.setenv("CHANGED", "new")
shell.unsetenv("GONE")
shell.options["output.stdout.label"] = true
shell.options["output.stdout.path"] = "out"
shell.options["output.stdout.type"] = "file"
plugin.load { file = "shell_pro*.so", conf = { trace = "shell.start" } }
plugin.register {
  name = "by hand",
  handlers = {
    { topic = "task.init", fn = function (topic)
        assert(task.info.state == "init" and task.getenv("HACTOR_TASK_RANK") == "" .. task.info.rank)
        task.setenv("TASK", topic .. " " .. task.info.localid)
        task.unsetenv("HACTOR_TASK_LOCAL_ID")
      end },
    { topic = "task.exit", fn = function ()
        shell.log("task " .. task.info.rank .. " left " .. task.info.exitcode)
      end },
    { topic = "shell.exit", fn = function () shell.debug("not shown") print("the end") end },
    { topic = "mustache.render.*", fn = function (topic, about) return about.name .. "!" end },
  }
}
LUA
echo 'shell.setenv("PART", "1")' >part1.lua
echo 'shell.setenv("PART", shell.getenv("PART") .. " 2")' >part2.lua
export KEPT=old CHANGED=old GONE=old
output=$(hactor run -N 2 -n 4 -O deep.er=7 -O userrc=rc.lua \
  sh -c 'echo $KEPT $CHANGED ${GONE-none} $PART $TASK ${HACTOR_TASK_LOCAL_ID-none} {{color}}' 2>&1)
check_equal "output" "0: old new none 1 2 task.init 0 none color!
1: old new none 1 2 task.init 1 none color!
2: old new none 1 2 task.init 0 none color!
3: old new none 1 2 task.init 1 none color!" "$(sort out)"
for words in "probe: shell.start" "lua: task 3 left 0" "the end"; do
  check_contains "$output" "$words"
done
check_lacks "$output" "not shown"
check_contains "$(hactor run -O verbose -O userrc=rc2.lua true 2>&1 || true)" "rc2.lua"
echo 'shell.debug("shown")' >rc2.lua
check_contains "$(hactor run -O verbose -O userrc=rc2.lua true 2>&1)" "hactor-shell[0]: lua: shown"

# Kinds of MPI.
check_equal "-O mpi=fast" "fast  0" \
  "$(hactor run -n 1 -O mpi=fast sh -c 'echo "$FAST_MPI ${SLOW_MPI-} ${PMI_RANK-none}"')"
check_equal "-O mpi=slow" " yes" "$(hactor run -O mpi=slow sh -c 'echo "${FAST_MPI-} $SLOW_MPI"')"
show='echo "${PMI_RANK-none} ${PMIX_RANK-none}"'
check_equal "-O mpi=mpich" "0 none 1 none" "$(echo $(hactor run -n 2 -O mpi=mpich sh -c "$show" | sort))"
check_equal "-O pmi=none" "none none none none" "$(echo $(hactor run -n 2 -O pmi=none sh -c "$show"))"
[ ! -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-pmix" ] || check_equal "-O mpi=openmpi" \
  "none 0 none 1" "$(echo $(hactor run -n 2 -O mpi=openmpi sh -c "$show" | sort))"
fails_with 1 hactor run -O mpi=strange true
check_contains "$output" "option mpi: 'strange' is not known; there are none, mpich, intel, openmpi, spectrum"
check_contains "$output" ", fast, slow, and"

# Mistakes.
wrong() { # SAID LINES_OF_LUA
  echo "$2" >wrong.lua
  fails_with 1 deadline 20 hactor run -O userrc=wrong.lua true
  check_contains "$output" "start file wrong.lua: "
  check_contains "$output" "$1"
}
wrong "wrong.lua:2: unexpected symbol near '+'" "local a =
+ nonsense"
wrong "wrong.lua:1: no" 'error("no")'
wrong "out of room" 'shell.die("out of room")'
wrong "plugin.load: missing.so: no such file here or in $HACTOR_TEST_BUILD/lib" \
  'plugin.load { file = "missing.so" }'
wrong "plugin.register wants" 'plugin.register { name = "x" }'
fails_with 1 deadline 20 hactor run -O userrc=missing.lua true
check_contains "$output" "missing.lua"
echo 'plugin.register { name = "late", handlers = {
  { topic = "task.exit", fn = function () error("too late") end } } }' >late.lua
fails_with 1 deadline 20 hactor run -O userrc=late.lua true
check_contains "$output" "plugin late, topic task.exit: late.lua:2: too late"
END
