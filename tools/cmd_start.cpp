// hactor start: hactor-start on this machine, alone or under an mpiexec.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tools/child_start.hpp"
#include "tools/commands.hpp"
#include "tools/own_folder.hpp"
#include "tools/say.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
  {'s', "size", "N", "Brokers to start on this machine, under an mpiexec when more than one. "
                     "Default: 1.", "--test-size"},
  {'S', "setattr", "NAME=VALUE", "Sets an attribute; 'hactor lsattr -v' lists them."},
  {0, "config", "FILE", "Reads Fluxion's tables from a TOML file: [sched-fluxion-qmanager], "
                        "[sched-fluxion-resource] and [queues.NAME]. -S wins.", "--config-path"},
  {0, "statedir", "DIR", "Keeps jobs, events and output in DIR, and takes up what is there."},
  {0, "rundir", "DIR", "Folder for sockets. Default: a new one in the temporary folder."},
  {0, "oversubscribe", nullptr, "Gives each broker all cores of this machine."},
  {0, "boot", "HOW", "child, mpi or alone. In a job the default is child: an instance over what "
                      "the job was granted, unless an option asks for one of its own. mpi: each "
                      "task of the job becomes a broker of one that is an MPI job of its own."},
  {0, "serve", nullptr, "Without COMMAND: the instance serves until it is shut down ('hactor "
                        "shutdown', a signal, the end of its job)."},
  {0, "mpi", "NAME", "mpich or openmpi. Default: the first that is installed."},
  {'v', "verbose", nullptr, "Prints the command that is executed, and what the instance has."},
};

bool is_program(const std::string& name) {
  if (name.find('/') != std::string::npos)
    return ::access(name.c_str(), X_OK) == 0;
  auto* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/bin:/bin";
  while (!rest.empty()) {
    auto folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    if (::access((std::string{folder} + "/" + name).c_str(), X_OK) == 0)
      return true;
  }
  return false;
}

bool has_module(const std::string& mpi) {
  auto module = own_folder() + "/../lib/hactor/hactor_mpi_" + mpi + ".so";
  return ::access(module.c_str(), R_OK) == 0;
}

/// The command line of a launcher for `n` ranks here, for one MPI; empty when it is not installed
/// or hactor has no module for it.
std::vector<std::string> launcher(const std::string& mpi, const std::string& n) {
  if (!has_module(mpi))
    return {};
  if (mpi == "mpich") {
    // With this flag the loss of a broker does not end the others.
    for (auto* name : {"mpiexec.mpich", "mpiexec.hydra"})
      if (is_program(name))
        return {name, "-disable-auto-cleanup", "-launcher", "fork", "-n", n};
    return {};
  }
  if (!is_program("mpirun.openmpi"))
    return {};
  // Not --enable-recovery, which always ends with 0.
  std::vector<std::string> words{"mpirun.openmpi"};
  if (::getuid() == 0)
    words.push_back("--allow-run-as-root");
  for (auto* word : {"--oversubscribe", "--mca", "orte_allowed_exit_without_sync", "1", "-n"})
    words.push_back(word);
  words.push_back(n);
  return words;
}

caf::expected<std::vector<std::string>> choose_launcher(const parsed_options& o, uint64_t size) {
  auto wanted = o.value("mpi");
  if (!wanted.empty() && wanted != "mpich" && wanted != "openmpi")
    return make_error(ec::bad_argument, "--mpi: must be mpich or openmpi, found '" + wanted + "'");
  if (size == 1)
    return std::vector<std::string>{};
  auto n = std::to_string(size);
  for (std::string mpi : {"mpich", "openmpi"}) {
    if (!wanted.empty() && wanted != mpi)
      continue;
    auto words = launcher(mpi, n);
    if (!words.empty())
      return words;
  }
  return make_error(ec::launcher_missing,
                    "-s " + n
                        + ": needs an mpiexec of MPICH or Open MPI and hactor's module for it; "
                          "found neither mpiexec.mpich nor mpirun.openmpi with one");
}

enum class boot { child, mpi, alone };

/// In a job the instance is a part of the one around it, unless it is to be another.
caf::expected<boot> choose_boot(const parsed_options& o, uint64_t size) {
  auto how = o.value("boot");
  if (!how.empty() && how != "child" && how != "mpi" && how != "alone")
    return make_error(ec::bad_argument, "--boot: must be child, mpi or alone, found '" + how + "'");
  if (how == "mpi" && !is_in_job())
    return make_error(ec::bad_argument, "--boot=mpi: this process is not a task of a job");
  if (how == "mpi" && size > 1)
    return make_error(ec::bad_argument, "-s: with --boot=mpi there is a broker for each task");
  if (how == "mpi")
    return boot::mpi;
  std::string alone;
  for (auto* name : {"statedir", "rundir", "oversubscribe", "mpi"})
    if (o.has(name))
      alone = std::string{"--"} + name;
  if (size > 1)
    alone = "-s " + std::to_string(size);
  if (how == "child" && !alone.empty())
    return make_error(ec::bad_argument, alone + ": an instance within this one has its brokers");
  if (how == "child" && !is_in_job())
    return make_error(ec::bad_argument, "--boot=child: this process is not a task of a job");
  auto child = how == "child" || (how.empty() && alone.empty() && is_in_job());
  if (child && o.has("config"))
    return make_error(ec::bad_argument, "--config: an instance within this one is set by -S");
  return child ? boot::child : boot::alone;
}

/// What stands before the command line of hactor-start, and its first words. Errors:
/// ec::launcher_missing, ec::bad_argument.
caf::expected<std::vector<std::string>> first_words(const invocation& call, boot how,
                                                    uint64_t size) {
  auto& o = call.options;
  auto program = own_folder() + "/hactor-start";
  if (how == boot::mpi) {
    auto words = prepare_brokers(call);
    words.insert(words.begin(), program);
    if (o.has("mpi"))
      words.push_back("--mpi=" + o.value("mpi"));
    else if (!has_module("mpich") && has_module("openmpi") && words.back() != "--mpi=none")
      words.push_back("--mpi=openmpi");
    return words;
  }
  auto words = choose_launcher(o, size);
  if (!words)
    return words;
  words->push_back(program);
  if (size == 1)
    words->push_back("--mpi=none"); // asked for alone, whatever launcher we are under
  if (is_in_job() || is_in_script_of_job())
    for (auto& word : is_in_job() ? granted_words(call) : own_node_words(call))
      words->push_back(std::move(word));
  return words;
}

int run_start(const invocation& call) {
  auto& o = call.options;
  auto size = o.number("size", 1, 1, 16384);
  if (!size)
    return fail_usage(call, size.error());
  if (o.has("serve") && !o.operands.empty())
    return fail_usage(call, make_error(ec::bad_argument, "--serve: goes without a command"));
  auto how = choose_boot(o, *size);
  if (!how)
    return fail_usage(call, how.error());
  if (*how == boot::child)
    return start_child(call);
  auto words = first_words(call, *how, *size);
  if (!words)
    return words.error() == ec::bad_argument ? fail_usage(call, words.error())
                                             : fail(call, words.error());
  for (auto& item : o.all("setattr"))
    words->push_back("--setattr=" + item);
  for (auto* name : {"config", "statedir", "rundir"})
    if (o.has(name))
      words->push_back(std::string{"--"} + name + "=" + o.value(name));
  for (auto* flag : {"oversubscribe", "verbose"})
    if (o.has(flag))
      words->push_back(std::string{"--"} + flag);
  words->push_back("--");
  if (o.has("serve"))
    words->insert(words->end(), std::begin(server_command), std::end(server_command));
  words->insert(words->end(), o.operands.begin(), o.operands.end());
  if (o.has("verbose")) {
    std::string line;
    for (auto& w : *words)
      line += (line.empty() ? "" : " ") + w;
    complain(call, line);
  }
  std::vector<char*> argv;
  for (auto& w : *words)
    argv.push_back(w.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  complain(call, words->front() + ": " + std::strerror(errno));
  return exit_failed;
}

} // namespace

const command start_command{
  "start",
  group_start,
  "starts an instance on this machine",
  "[OPTIONS] [--] [COMMAND [ARGS...]]",
  "Runs COMMAND, or a shell, in an instance of one broker or of N, and ends with it. On several "
  "machines an MPI launcher starts it: mpirun -n N hactor-start COMMAND; or, without MPI, "
  "hactor-start -S transport=tcp -S transport.hosts=HOSTS COMMAND on each of them. As the command "
  "of a job it starts an instance over the job's nodes, cores and GPUs, with a scheduler of its "
  "own (-S sched.*), which ends with COMMAND or the job.",
  options,
  " n    COMMAND's exit code, 128+N if signal N ended it\n"
  " 1    the instance could not start\n"
  " 2    an option or what it sets (an attribute, a file of settings or resources) is wrong\n"
  " 126  COMMAND cannot be executed\n 127  COMMAND was not found",
  " hactor start -s 4 ./my_ensemble.sh\n"
  " hactor submit -N 2 -n 2 hactor start -S sched.policy=easy ./inner.sh\n"
  " hactor start -s 4 -S sched.policy=hierarchy -S sched.tree=2 ./ensemble.sh",
  true,
  0,
  any_number,
  run_start};

} // namespace hactor::tools
