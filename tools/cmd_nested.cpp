// Looking into nested instances: hactor proxy, hactor pstree.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdlib>
#include <map>

#include "runtime/duration.hpp"
#include "tools/become.hpp"
#include "tools/commands.hpp"
#include "tools/job_fields.hpp"
#include "tools/nested.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec proxy_options[] = {
    {'v', "verbose", nullptr, "Prints the URI."},
};

int run_proxy(const invocation& call) {
  auto words = call.options.operands;
  std::string uri;
  if (auto path = uri_inside("", words.front()); !path)
    return fail_usage(call, path.error());
  auto code = with_broker(call, [&](client&) -> caf::expected<int> {
    auto own = workflow::own_uri();
    auto inside = own ? find_inside(*own, words.front()) : std::move(own);
    if (!inside)
      return std::move(inside.error());
    uri = *inside;
    auto broker = client::connect(uri);
    if (!broker)
      return std::move(broker.error());
    auto there = broker->ask("hello", json::object());
    if (!there)
      return std::move(there.error());
    return exit_ok;
  });
  if (code != exit_ok)
    return code;
  if (call.options.has("verbose"))
    complain(call, "HACTOR_URI=" + uri);
  ::setenv("HACTOR_URI", uri.c_str(), 1);
  words.erase(words.begin());
  if (!words.empty() && words.front() == "--")
    words.erase(words.begin());
  return become(call, std::move(words));
}

constexpr option_spec pstree_options[] = {
    {'a', "all", nullptr, "Shows pending jobs too."},
    {'l', "long", nullptr, "Shows ids and run times; else jobs of one name are counted."},
};

struct tree_node {
  std::string text;
  std::vector<tree_node> below;
};

std::string text_of(const json& job, bool is_long, double now) {
  auto name = text_at(job, "name");
  if (!is_long)
    return name;
  auto text = job_field(job, "id", now) + " " + name + " " + job_field(job, "status_abbrev", now);
  auto time = parse_fsd(job_field(job, "contextual_time", now));
  return time ? text + " " + format_fsd(*time) : text; // what waits has none
}

caf::expected<std::vector<tree_node>> jobs_of(const std::string& uri, const parsed_options& o) {
  auto broker = client::connect(uri);
  if (!broker)
    return std::move(broker.error());
  auto list = broker->ask("job.list", {{"states", o.has("all") ? 62 : 48}});
  if (!list)
    return std::move(list.error());
  std::vector<tree_node> nodes;
  std::map<std::string, size_t> alike; // of plain jobs of one name: how many
  auto now = now_s();
  for (auto& job : object_at(*list, "jobs")) {
    auto text = text_of(job, o.has("long"), now);
    if (holds_instance(job)) {
      auto below = jobs_of(uri_of(uri, job), o);
      // It may have ended since.
      nodes.push_back({text, below ? std::move(*below) : std::vector<tree_node>{}});
    } else if (o.has("long")) {
      nodes.push_back({text, {}});
    } else {
      ++alike[text];
    }
  }
  for (auto& [name, count] : alike)
    nodes.push_back({count == 1 ? name : std::to_string(count) + "*[" + name + "]", {}});
  return nodes;
}

void print_below(const tree_node& node, const std::string& indent) {
  for (size_t i = 0; i < node.below.size(); ++i) {
    auto last = i + 1 == node.below.size();
    print_line(indent + (last ? "└── " : "├── ") + node.below[i].text);
    print_below(node.below[i], indent + (last ? "    " : "│   "));
  }
}

int run_pstree(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto own = workflow::own_uri();
    if (!own)
      return std::move(own.error());
    auto about = broker.ask("hello", json::object());
    if (!about)
      return std::move(about.error());
    auto nodes = jobs_of(*own, call.options);
    if (!nodes)
      return std::move(nodes.error());
    print_line(".");
    print_below({".", std::move(*nodes)}, "");
    return exit_ok;
  });
}

} // namespace

const command proxy_command{
  "proxy",
  group_instance,
  "runs a command in a nested instance",
  "ID[/ID...] [--] [COMMAND [ARGS...]]",
  "Runs COMMAND, or a shell, with HACTOR_URI set to the instance that the job ID holds: its "
  "commands speak with that one. ID/ID is an instance within it.",
  proxy_options,
  " n    COMMAND's exit code\n 1    the job holds no instance\n 2    the command line is wrong\n"
  " 126  COMMAND cannot be executed\n 127  COMMAND was not found",
  " hactor proxy f2aXyz hactor jobs",
  true,
  1,
  any_number,
  run_proxy};

const command pstree_command{
  "pstree",
  group_instance,
  "shows what runs, through all nested instances, as a tree",
  "[OPTIONS]",
  "Shows the running jobs of this instance and, below each job that holds an instance, those of "
  "that one, to any depth.",
  pstree_options,
  usual_exits,
  " hactor pstree -l",
  false,
  0,
  0,
  run_pstree};

} // namespace hactor::tools
