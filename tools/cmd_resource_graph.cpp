// hactor resource show, attach, detach, set-status, set-property, remove-property, get-property:
// the resource graph of an instance, while jobs run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/find_expression.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

/// Asks, and prints the lines of the answer.
int ask(const invocation& call, const char* verb, const std::string& path,
        const std::string& text = {}) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("resource.graph", {{"verb", verb}, {"path", path}, {"text", text}});
    if (!reply)
      return std::move(reply.error());
    auto& lines = object_at(*reply, "lines");
    for (auto& line : lines)
      if (line.is_string())
        print_line(line.get_ref<const std::string&>());
    if (verb == std::string_view{"show"} && lines.empty())
      return exit_failed;
    if (verb == std::string_view{"attach"} && lines.empty())
      complain(call, "nothing was attached: the graph has all that the file names");
    return exit_ok;
  });
}

std::string operand(const invocation& call, size_t i) {
  auto& words = call.options.operands;
  return i < words.size() ? words[i] : std::string{};
}

int run_show(const invocation& call) { return ask(call, "show", operand(call, 0)); }

int run_find(const invocation& call) {
  std::string text;
  for (auto& word : call.options.operands)
    text += (text.empty() ? "" : " ") + word;
  auto expression = find_expression::parse(text);
  if (!expression)
    return fail_usage(call, expression.error());
  return ask(call, "show", {}, text);
}

int run_attach(const invocation& call) {
  auto text = read_file(operand(call, 0));
  if (!text)
    return fail(call, text.error());
  return ask(call, "attach", {}, *text);
}

int run_detach(const invocation& call) { return ask(call, "detach", operand(call, 0)); }

int run_set_status(const invocation& call) {
  auto status = operand(call, 1);
  if (status != "up" && status != "down")
    return fail_usage(
        call, make_error(ec::bad_argument, "the status is up or down, not '" + status + "'"));
  return ask(call, "set-status", operand(call, 0), status);
}

int run_set_property(const invocation& call) {
  auto property = operand(call, 1);
  if (property.empty() || property.front() == '=')
    return fail_usage(call, make_error(ec::bad_argument,
                                       "a property is KEY or KEY=VALUE, not '" + property + "'"));
  return ask(call, "set-property", operand(call, 0), property);
}

int run_remove_property(const invocation& call) {
  return ask(call, "remove-property", operand(call, 0), operand(call, 1));
}

int run_get_property(const invocation& call) {
  return ask(call, "get-property", operand(call, 0), operand(call, 1));
}

} // namespace

const command resource_show_command{
    "resource show",
    group_instance,
    "shows a vertex of the resource graph and what is directly below it",
    "[PATH]",
    "A line each: path, type, how much of a pool is free, rank, status, properties. Without a "
    "path: "
    "the root, and the roots of other subsystems. Brokers that share a host have nodes of one "
    "path: rank3 is the node "
    "of rank 3, rank3/core0 its first core. So it is with the other verbs.",
    {},
    usual_exits,
    " hactor resource show /cluster0/rack7",
    false,
    0,
    1,
    run_show};

const command resource_find_command{
    "resource find",
    group_instance,
    "finds vertices of the resource graph",
    "EXPRESSION...",
    "Terms are status=up|down, sched-now=allocated|free, sched-future=reserved|free, "
    "jobid-alloc=ID, jobid-reserved=ID, jobid-span=ID, jobid-tag=ID, names=HOSTLIST and "
    "property=NAME, with and, or, not and parentheses, as 'hactor graph find' has them. A line "
    "each, "
    "as 'hactor resource show' has them: those for which it is true, at most 100,000. What is in "
    "something that is down or allocated is so too.",
    {},
    " 0  something was found\n 1  nothing was found, or there is no instance\n"
    " 2  the command line is wrong",
    " hactor resource find 'status=down or property=slow'",
    false,
    1,
    any_number,
    run_find};

const command resource_attach_command{
    "resource attach",
    group_instance,
    "adds to the resource graph while jobs run",
    "FILE",
    "The file is a JGF (RFC 40). What it has a path of that the graph knows is there already; the "
    "rest is new, and is put below the vertex that an edge or its own path names. Jobs can have it "
    "at once; those that run keep what they have. Prints the paths of what was added, which stays "
    "over a restart.\n\n"
    "A node must have the rank of a broker of this instance that lives and that no other node has: "
    "nothing else could run jobs there. Licences, storage, power, racks and the like need no rank.",
    {},
    usual_exits,
    " hactor resource attach licences.json",
    false,
    1,
    1,
    run_attach};

const command resource_detach_command{
    "resource detach",
    group_instance,
    "takes a vertex and what it contains out of the resource graph",
    "PATH",
    "Refused, naming a job, while one holds some of it; set-status PATH down lets no more begin. "
    "Waiting jobs that only it could run are denied, while what is only down is waited for. "
    "It "
    "stays so over a restart.",
    {},
    usual_exits,
    " hactor resource detach /cluster0/rack7",
    false,
    1,
    1,
    run_detach};

const command resource_set_status_command{"resource set-status",
                                          group_instance,
                                          "marks a vertex of the resource graph as up or down",
                                          "PATH up|down",
                                          "Nothing begins on what is down, nor on what it "
                                          "contains; jobs that run there go on. It stays so "
                                          "over a restart.",
                                          {},
                                          usual_exits,
                                          " hactor resource set-status /cluster0/rack7 down",
                                          false,
                                          2,
                                          2,
                                          run_set_status};

const command resource_set_property_command{
    "resource set-property",
    group_instance,
    "gives a vertex of the resource graph a property",
    "PATH KEY[=VALUE]",
    "Those of nodes are what --requires asks for. It stays so over a restart.",
    {},
    usual_exits,
    " hactor resource set-property /cluster0/node3 perf_class=2",
    false,
    2,
    2,
    run_set_property};

const command resource_remove_property_command{"resource remove-property",
                                               group_instance,
                                               "takes a property from a vertex",
                                               "PATH KEY",
                                               "It stays so over a restart.",
                                               {},
                                               usual_exits,
                                               " hactor resource remove-property /cluster0/node3 "
                                               "perf_class",
                                               false,
                                               2,
                                               2,
                                               run_remove_property};

const command resource_get_property_command{
    "resource get-property",
    group_instance,
    "prints the properties of a vertex, or the value of one",
    "PATH [KEY]",
    "All as KEY=VALUE, a line each; of one its value.",
    {},
    usual_exits,
    " hactor resource get-property /cluster0/node3 perf_class",
    false,
    1,
    2,
    run_get_property};

} // namespace hactor::tools
