// See the header. Options end at the command, as POSIX has it: what follows is the command's own.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/options.hpp"

#include <string_view>

#include "runtime/near.hpp"

namespace hactor {

namespace {

const std::vector<std::string_view> known_options{"--help",          "--version", "--statedir",
                                                  "--oversubscribe", "--mpi",     "--verbose",
                                                  "--setattr",       "--rundir"};

} // namespace

std::string start_help() {
  return R"(Usage: mpirun -n N hactor-start [OPTIONS] [--] [COMMAND [ARGS...]]

Starts an instance: each MPI rank becomes a broker, rank 0 runs COMMAND with HACTOR_URI in its
environment, and the instance ends when COMMAND ends. Without COMMAND rank 0 runs an interactive
shell ($SHELL). Without a launcher it is an instance of one broker.

Options:
  -S, --setattr NAME=VALUE  Set an attribute; 'hactor lsattr' lists them all.
      --statedir DIR        Keep jobs, events and output in DIR; a later start on the same DIR takes
                            up the jobs that had not ended. Default: a temporary folder.
      --rundir DIR          Folder for sockets; must not be shared. Default: a new one in /tmp.
      --oversubscribe       Several ranks on one host: give each of them all of its cores.
      --mpi NAME            mpich, openmpi or none; default: the one whose launcher started us.
  -v, --verbose             Say what the instance has, and where its socket and its state are.
      --version             Print the version.
  -h, --help                Print this.

Without MPI, the same line on every host; they share ~/.config/hactor/key, which rank 0 makes:
  hactor-start -S transport=tcp -S transport.hosts=node[1-4] COMMAND
  hactor-start -S transport=tcp -S transport.rendezvous=node1:8787 -S transport.size=4 COMMAND
What brokers say over TCP is not encrypted. A lost broker never ends the others.

Under an MPI launcher a lost broker does not end the others when the launcher allows it:
  mpiexec.mpich  -disable-auto-cleanup -n N hactor-start ...
  mpirun.openmpi --mca orte_allowed_exit_without_sync 1 -n N hactor-start ...

Exit status: COMMAND's; 128+n when signal n ended it; 127 when it was not found, 126 when it could
not be executed; 1 when the instance could not start, 2 for a wrong command line.

Example: mpirun -n 4 hactor-start ./my_ensemble.sh
)";
}

caf::expected<start_options> parse_start_options(int argc, char** argv) {
  start_options o;
  int i = 1;
  caf::error failed;
  auto value_of = [&](std::string_view arg, std::string_view name) -> std::string {
    if (arg.size() > name.size() && arg[name.size()] == '=')
      return std::string{arg.substr(name.size() + 1)};
    if (i + 1 < argc)
      return argv[++i];
    failed = make_error(ec::bad_argument, std::string{name} + ": needs a value");
    return {};
  };
  auto is = [](std::string_view arg, std::string_view name) {
    return arg == name || (arg.starts_with(name) && arg.substr(name.size()).starts_with('='));
  };
  for (; i < argc && !failed; ++i) {
    std::string_view arg = argv[i];
    if (arg == "--") {
      ++i;
      break;
    }
    if (arg.size() < 2 || arg[0] != '-')
      break;
    if (arg == "-h" || arg == "--help")
      o.help = true;
    else if (arg == "--version")
      o.version = true;
    else if (arg == "--oversubscribe")
      o.oversubscribe = true;
    else if (arg == "-v" || arg == "--verbose")
      o.verbose = true;
    else if (is(arg, "--mpi"))
      o.mpi = value_of(arg, "--mpi");
    else if (is(arg, "--statedir"))
      failed = o.attributes.set("statedir", value_of(arg, "--statedir"));
    else if (is(arg, "--rundir"))
      failed = o.attributes.set("rundir", value_of(arg, "--rundir"));
    else if (is(arg, "--setattr"))
      failed = o.attributes.set_item(value_of(arg, "--setattr"));
    else if (arg.starts_with("-S"))
      failed = o.attributes.set_item(arg.size() > 2 ? std::string{arg.substr(2)}
                                                    : value_of(arg, "-S"));
    else
      failed = make_error(ec::bad_argument,
                          "unknown option " + std::string{arg} + did_you_mean(arg, known_options));
  }
  if (failed)
    return failed;
  for (; i < argc; ++i)
    o.command.emplace_back(argv[i]);
  return o;
}

} // namespace hactor
