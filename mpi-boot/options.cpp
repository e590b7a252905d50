// See the header. Options end at the command, as POSIX has it: what follows is the command's own.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/options.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "runtime/command_line.hpp"
#include "runtime/help_text.hpp"

namespace hactor {

namespace {

constexpr option_spec table[] = {
    {'S', "setattr", "NAME=VALUE", "Set an attribute; 'hactor lsattr' lists them all."},
    {0, "config", "FILE",
     "Read Fluxion's tables from a TOML file: [sched-fluxion-qmanager], [sched-fluxion-resource] "
     "and [queues.NAME]. -S and the environment win.",
     "--config-path"},
    {0, "statedir", "DIR",
     "Keep jobs, events and output in DIR; a later start on the same DIR takes up the jobs that "
     "had not ended. Default: a temporary folder."},
    {0, "rundir", "DIR", "Folder for sockets; must not be shared. Default: a new one in /tmp."},
    {0, "oversubscribe", nullptr, "Several ranks on one host: give each of them all of its cores."},
    {0, "mpi", "NAME", "mpich, openmpi or none; default: the one whose launcher started us."},
    {0, "level", "N", "How many instances are around this one. Default: 0."},
    {0, "cores", "IDS", "Cores of this host that the job was granted whose task this is, as 0-3."},
    {0, "gpus", "IDS", "GPUs, likewise."},
    {0, "lasts", "START-END", "Since when and until when that job lasts, in seconds since 1970."},
    {'v', "verbose", nullptr, "Say what the instance has, and where its socket and its state are."},
    {0, "version", nullptr, "Print the version."},
};

constexpr uint32_t levels_max = 1000; // of instances within each other; nobody has met the tenth

/// What a job of the instance around says of itself (hactor start --boot=mpi).
caf::error set_granted(start_options& o, std::string_view name, const std::string& value) {
  if (name == "lasts") {
    auto* end = value.data() + value.size();
    auto start = std::from_chars(value.data(), end, o.starts);
    auto last = start.ec == std::errc{} && start.ptr != end && *start.ptr == '-'
                    ? std::from_chars(start.ptr + 1, end, o.ends)
                    : start;
    return last.ec == std::errc{} && last.ptr == end && o.ends > o.starts
               ? caf::error{}
               : make_error(ec::bad_argument,
                            fmt::format("--lasts={}: must be START-END in seconds", value));
  }
  if (name == "level") {
    uint32_t level = 0;
    auto* end = value.data() + value.size();
    auto read = std::from_chars(value.data(), end, level);
    if (read.ec != std::errc{} || read.ptr != end || level > levels_max)
      return make_error(ec::bad_argument, fmt::format("--level={}: must be a number from 0 to {}",
                                                      value, levels_max));
    o.attributes.fix("instance-level", std::to_string(level));
    return {};
  }
  auto is_none = value.empty() && name == "gpus"; // while every task has a core
  auto ids = is_none ? caf::expected<idset>{idset{}} : idset::parse(value);
  if (!ids || (ids->empty() && !is_none))
    return make_error(ec::bad_argument,
                      fmt::format("--{}={}: {}", name, value,
                                  ids ? "must name at least one" : render(ids.error())));
  (name == "cores" ? o.cores : o.gpus) = std::move(*ids);
  return {};
}

/// Hostlists, which are made of it, give other characters a meaning.
caf::error check_host_name(const std::string& name) {
  constexpr size_t bytes_max = 253;
  auto plain = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
  if (name.size() <= bytes_max && std::all_of(name.begin(), name.end(), plain)
      && !name.starts_with('-'))
    return {};
  return make_error(ec::bad_argument,
                    fmt::format("hostname='{}': must be the name of a host: at most {} letters, "
                                "digits and any of -_., not beginning with -",
                                name, bytes_max));
}

caf::error set(start_options& o, std::string_view name, const std::string& value) {
  if (name == "setattr")
    return o.attributes.set_item(value);
  if (name == "statedir" || name == "rundir" || name == "config")
    return o.attributes.set(name, value);
  if (name == "cores" || name == "gpus" || name == "lasts" || name == "level")
    return set_granted(o, name, value);
  if (name == "mpi")
    o.mpi = value;
  o.oversubscribe = o.oversubscribe || name == "oversubscribe";
  o.verbose = o.verbose || name == "verbose";
  o.version = o.version || name == "version";
  return {};
}

} // namespace

std::string start_help() {
  std::string out = R"(Usage: mpirun -n N hactor-start [OPTIONS] [--] [COMMAND [ARGS...]]

Starts an instance: each MPI rank becomes a broker, rank 0 runs COMMAND with HACTOR_URI in its
environment, and the instance ends when COMMAND ends. Without COMMAND rank 0 runs an interactive
shell ($SHELL). Without a launcher it is an instance of one broker.

Options:
)";
  add_options(out, table);
  return out + R"(
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
  auto count = static_cast<size_t>(std::max(argc - 1, 0));
  auto line = parse_command_line(table, std::span<const char* const>{argv + 1, count});
  if (!line)
    return std::move(line.error());
  start_options o;
  o.help = line->help;
  o.command = std::move(line->operands);
  for (auto& [option, value] : line->values)
    if (auto failed = set(o, option->name, value))
      return failed;
  if (auto failed = check_host_name(o.attributes.text("hostname")))
    return failed;
  return o;
}

} // namespace hactor
