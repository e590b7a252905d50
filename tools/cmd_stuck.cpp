// hactor stuck: who waits for what of a job, on each of its brokers, and until when.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fmt/format.h>

#include "runtime/duration.hpp"
#include "tools/columns.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
    {'n', "no-header", nullptr, "Leaves the titles out."},
    {0, "timeout", "DURATION",
     "Names who has not answered by then, instead of waiting on. Default 5s, at most 30s."},
    {0, "json", nullptr,
     "Prints id, state and waits, a list of owner, reason, ranks, tasks, age, left and then, as a "
     "JSON object a job."},
};

constexpr field_name fields[] = {
    {"owner", "OWNER"},  {"ranks", "RANKS"},      {"age", "FOR"},
    {"left", "AT MOST"}, {"reason", "WAITS FOR"},
};

std::string field_of(const json& w, const std::string& field) {
  if (field == "age" || field == "left")
    return w.contains(field) ? format_fsd(number_at(w, field.c_str())) : "";
  if (field != "reason")
    return text_at(w, field.c_str());
  auto tasks = text_at(w, "tasks"), then = text_at(w, "then");
  auto many = tasks.find_first_of(",-") != tasks.npos;
  return (tasks.empty() ? "" : fmt::format("{} {} ", many ? "tasks" : "task", tasks))
         + text_at(w, "reason") + (then.empty() ? "" : "; then " + then);
}

void print_waits(const invocation& call, const json& reply) {
  auto ended = text_at(reply, "ended");
  print_line(fmt::format("{}: {}{}", text_at(reply, "id"), text_at(reply, "state"),
                         ended.empty() ? "" : ", it " + ended));
  auto waits = reply.find("waits");
  if (waits == reply.end() || !waits->is_array() || waits->empty())
    return;
  auto format = parse_format("+:{owner} +:{ranks} +:{age:<3h} +:{left:<7h} {reason}", fields);
  print(render_table(
      *format, fields, waits->size(),
      [waits](size_t row, const std::string& field) { return field_of((*waits)[row], field); },
      {!call.options.has("no-header"), terminal_width()}));
}

int run(const invocation& call) {
  auto ids = read_ids(call.options.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  json params = json::object();
  if (call.options.has("timeout")) {
    auto timeout_s = parse_fsd(call.options.value("timeout"));
    if (!timeout_s)
      return fail_usage(call, timeout_s.error());
    params["timeout"] = *timeout_s;
  }
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    for (auto& id : *ids) {
      params["id"] = id;
      auto reply = broker.ask("job.waits", params);
      if (!reply)
        return std::move(reply.error());
      if (call.options.has("json"))
        print_line(dump(*reply));
      else
        print_waits(call, *reply);
    }
    return exit_ok;
  });
}

} // namespace

const command stuck_command{
    "stuck",
    group_jobs,
    "tells what a job waits for on each of its brokers, and until when",
    "[OPTIONS] ID...",
    "For a job that does not go on. Each line is a wait: its owner (an actor: job manager, "
    "scheduler, exec, the tree of the job's brokers, or shell, its tasks on one), the ranks where "
    "that is, for how long it has waited, how much longer it will at most, and for what; then what "
    "happens when that time is over. Processes that the kernel or a signal holds are named, and so "
    "is who does not answer. 'hactor explain' tells in a sentence why a job is not started; "
    "'hactor cancel' ends one in bounded time.",
    options,
    usual_exits,
    " hactor stuck fuZZybuNNy\n hactor stuck --json fuZZybuNNy",
    false,
    1,
    any_number,
    run};

} // namespace hactor::tools
