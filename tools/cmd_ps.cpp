// hactor ps: the instances of this user, on whatever machine, by the notes that they leave.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "runtime/duration.hpp"
#include "tools/columns.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"
#include "workflow/dial.hpp"

namespace hactor::tools {

namespace {

using workflow::instance_note;

/// A machine that does not answer within this time has no answer for the list.
constexpr int64_t patience_ns = 2'000'000'000;

constexpr option_spec ps_options[] = {
    {'o', "format", "FORMAT",
     "Columns of id, name, host, state, nnodes, size, age, started, uri, way, pid, within (the job "
     "of Slurm, LSF or PBS around it: slurm:ID), version, command, as '{id} {age!F}'; see hactor "
     "jobs -o."},
    {'n', "no-header", nullptr, "Leaves the titles out.", "--suppress-header"},
    {0, "json", nullptr, "Prints JSON: {\"instances\": [..]}, times in seconds since 1970."},
    {0, "ssh", nullptr, "Asks machines that are reached by ssh only, too."},
    {0, "clean", nullptr, "Removes the notes of those of this machine that are gone."},
};

constexpr field_name fields[] = {
    {"id", "ID"},           {"name", "NAME"},     {"host", "HOST"}, {"state", "STATE"},
    {"nnodes", "NODES"},    {"size", "SIZE"},     {"age", "AGE"},   {"started", "STARTED"},
    {"uri", "URI"},         {"way", "WAY"},       {"pid", "PID"},   {"version", "VERSION"},
    {"command", "COMMAND"}, {"within", "WITHIN"},
};

constexpr const char* usual_format = "{id:<9} ?+:{name:<8} +:{host:<8} {state:<11} {nnodes:>5} "
                                     "{age!F:>7} {command}";

/// That it listens is the kernel's word; its broker answers. Errors: those of the connection that
/// was tried, and of the question.
caf::error ask_it(const instance_note& n) {
  auto fd = workflow::is_here(n) || n.tcp.empty() ? workflow::connect_socket(workflow::way_to(n))
                                                  : workflow::connect_by_tcp(n, patience_ns);
  if (!fd)
    return std::move(fd.error());
  auto hello = client{*fd}.ask("hello", json::object(), static_cast<double>(patience_ns) * 1e-9);
  return hello ? caf::error{} : std::move(hello.error());
}

/// alive, gone, unreachable, or remote: nobody was asked.
std::string state_of(const instance_note& n, bool by_ssh) {
  if (workflow::is_gone(n))
    return "gone";
  auto here = workflow::is_here(n);
  if (!here && n.tcp.empty() && !by_ssh)
    return "remote";
  // That nobody listens may be a firewall's word: only its own machine knows that it is gone.
  return ask_it(n) ? "unreachable" : "alive";
}

std::string field_of(const json& n, const std::string& field) {
  auto at = n.find(field);
  if (at == n.end())
    return {};
  if (at->is_string())
    return at->get<std::string>();
  if (at->is_number_float())
    return fmt::format("{:.6f}", at->get<double>());
  return dump(*at);
}

int run_ps(const invocation& call) {
  auto& o = call.options;
  auto format = parse_format(o.value("format", usual_format), fields);
  if (!format)
    return fail_usage(call, format.error());
  auto list = json::array();
  for (auto& n : workflow::read_notes()) {
    auto state = state_of(n, o.has("ssh"));
    if (o.has("clean") && workflow::is_gone(n)) {
      workflow::remove_note(n);
      continue;
    }
    auto entry = workflow::to_json(n);
    entry["state"] = state;
    entry["age"] = std::max(0.0, now_s() - n.started);
    entry["way"] = workflow::way_to(n);
    list.push_back(std::move(entry));
  }
  if (o.has("json")) {
    print_line(dump_pretty({{"instances", list}}));
    return exit_ok;
  }
  table_settings settings;
  settings.header = !o.has("no-header");
  settings.width_max = terminal_width();
  print(render_table(
      *format, fields, list.size(),
      [&](size_t i, const std::string& field) { return field_of(list[i], field); }, settings));
  return exit_ok;
}

} // namespace

const command ps_command{
    "ps",
    group_instance,
    "lists the instances of this user, on all machines",
    "[OPTIONS]",
    "Each instance leaves a note in $HACTOR_INSTANCES (default: ~/.hactor/instances) while it "
    "runs. "
    "HACTOR_URI=ID, or hactor --instance ID, speaks with the one of that id, of the beginning of "
    "one or of a name (instance.name): by its socket on its own machine, from others over TCP if "
    "it has connector.tcp, else through ssh.\n\n"
    "STATE: alive (its broker has answered), gone (it was killed: only its note is left; what its "
    "own machine alone can tell), unreachable (no "
    "way to it from here, or no answer within 2 s), remote (on another machine and without "
    "connector.tcp, so "
    "that only ssh could ask: --ssh does).",
    ps_options,
    usual_exits,
    " hactor ps -n -o '{id} {command}'",
    false,
    0,
    0,
    run_ps};

} // namespace hactor::tools
