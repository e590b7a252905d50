// hactor queue, hactor explain: which queues there are and what they do; why a job waits.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/columns.hpp"
#include "tools/commands.hpp"
#include "tools/job_choice.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec list_options[] = {
    {'o', "format", "FORMAT",
     "Columns of queue, enabled, started, policy, depth, reservations, tdefault, tlimit, nnodes, "
     "ncores, ngpus, queued, held, running, reserved."},
    {'n', "no-header", nullptr, "Leaves the titles out."},
};

constexpr option_spec status_options[] = {
    {'q', "queue", "NAME", "This queue only."},
};

constexpr option_spec change_options[] = {
    {'q', "queue", "NAME", "This queue."},
    {'a', "all", nullptr, "All queues. Needed when they have names and none is given."},
    {0, "quiet", nullptr, "Prints nothing."},
};

constexpr option_spec explain_options[] = {
    {0, "json", nullptr,
     "Prints id, code, sentence, t_estimate, resource_summary and selection_type, as far as "
     "there are any, as a JSON object."},
};

constexpr field_name fields[] = {
    {"queue", "QUEUE"},   {"enabled", "EN"},        {"started", "ST"},
    {"policy", "POLICY"}, {"depth", "DEPTH"},       {"reservations", "RESERVATIONS"},
    {"nnodes", "NNODES"}, {"tdefault", "TDEFAULT"}, {"tlimit", "TLIMIT"},
    {"ncores", "NCORES"}, {"ngpus", "NGPUS"},       {"queued", "QUEUED"},
    {"held", "HELD"},     {"running", "RUNNING"},   {"reserved", "RESERVED"},
};

bool flag_at(const json& x, const char* key) {
  auto i = x.find(key);
  return i != x.end() && i->is_boolean() && i->get<bool>();
}

std::string field_of(const json& q, const std::string& field) {
  if (field == "queue")
    return text_at(q, "name") + (flag_at(q, "default") && !text_at(q, "name").empty() ? "*" : "");
  if (field == "enabled" || field == "started")
    return flag_at(q, field.c_str()) ? "y" : "n";
  if (field == "policy")
    return text_at(q, "policy");
  if (field == "tdefault" || field == "tlimit")
    return "inf"; // there are no limits on jobs
  auto key = field == "reservations" ? "reservation_depth" : field.c_str();
  return std::to_string(static_cast<uint64_t>(number_at(q, key)));
}

caf::expected<json> ask(client& broker, const json& params) {
  auto reply = broker.ask("queue", params);
  if (!reply)
    return reply;
  return object_at(*reply, "queues");
}

int run_list(const invocation& call) {
  auto format = parse_format(call.options.value("format", "?+:{queue:<8} {enabled:>2} {started:>2} "
                                                          "{policy:<12} {tdefault:>8} {tlimit:>8} "
                                                          "{nnodes:>6} {ncores:>8} {ngpus:>8}"),
                             fields);
  if (!format)
    return fail_usage(call, format.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto queues = ask(broker, json::object());
    if (!queues)
      return std::move(queues.error());
    table_settings settings;
    settings.header = !call.options.has("no-header");
    print(render_table(
        *format, fields, queues->size(),
        [&](size_t i, const std::string& field) { return field_of((*queues)[i], field); },
        settings));
    return exit_ok;
  });
}

void print_status(const json& q) {
  auto name = text_at(q, "name");
  auto prefix = name.empty() ? std::string{} : name + ": ";
  auto because = [&](const char* key) {
    auto note = q.contains(key) ? text_at(q, key) : std::string{};
    return note.empty() ? note : ": " + note;
  };
  print_line(prefix + "Job submission is "
             + (flag_at(q, "enabled") ? "enabled" : "disabled" + because("enabled_note")));
  print_line(prefix + "Scheduling is "
             + (flag_at(q, "started") ? "started" : "stopped" + because("started_note")));
}

int run_status(const invocation& call) {
  auto wanted = call.options.value("queue");
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto queues = ask(broker, json::object());
    if (!queues)
      return std::move(queues.error());
    if (auto e = wanted.empty() ? caf::error{} : find_queue(*queues, wanted))
      return e;
    for (auto& q : *queues)
      if (wanted.empty() || text_at(q, "name") == wanted)
        print_status(q);
    return exit_ok;
  });
}

int change(const invocation& call, const char* verb) {
  auto& o = call.options;
  std::string reason;
  for (auto& word : o.operands)
    reason += (reason.empty() ? "" : " ") + word;
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto name = o.value("queue");
    if (name.empty() && !o.has("all")) {
      auto queues = ask(broker, json::object());
      if (!queues)
        return std::move(queues.error());
      if (!queues->empty() && !text_at((*queues)[0], "name").empty())
        return make_error(ec::bad_argument, "queues have names: give one with -q, or --all");
    }
    auto queues = ask(broker, {{"verb", verb}, {"queue", name}, {"reason", reason}});
    if (!queues)
      return std::move(queues.error());
    for (auto& q : *queues)
      if (!o.has("quiet") && (name.empty() || text_at(q, "name") == name))
        print_status(q);
    return exit_ok;
  });
}

int run_stop(const invocation& call) { return change(call, "stop"); }
int run_start(const invocation& call) { return change(call, "start"); }
int run_enable(const invocation& call) { return change(call, "enable"); }
int run_disable(const invocation& call) { return change(call, "disable"); }

int run_queue(const invocation& call) {
  complain(call, "needs a verb: list, status, stop, start, enable or disable");
  return exit_usage;
}

int run_explain(const invocation& call) {
  auto ids = read_ids(call.options.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    for (auto& id : *ids) {
      auto reply = broker.ask("job.explain", {{"id", id}});
      if (!reply)
        return std::move(reply.error());
      if (call.options.has("json"))
        print_line(dump(*reply));
      else
        print_line((ids->size() > 1 ? id + ": " : "") + text_at(*reply, "code") + ": "
                   + text_at(*reply, "sentence"));
    }
    return exit_ok;
  });
}

} // namespace

const command queue_command{"queue",
                            group_instance,
                            "the queues in which jobs wait",
                            "list|status|stop|start|enable|disable",
                            "Attribute sched.queues names them; without it there is one.",
                            {},
                            usual_exits,
                            " hactor queue list",
                            false,
                            0,
                            any_number,
                            run_queue};

const command queue_list_command{
    "queue list",
    group_instance,
    "lists queues, their policies and their resources",
    "[OPTIONS]",
    "EN: jobs may be submitted; ST: jobs are started. The default queue has a *.",
    list_options,
    usual_exits,
    " hactor queue list",
    false,
    0,
    0,
    run_list};

const command queue_status_command{"queue status",
                                   group_instance,
                                   "tells whether jobs are taken and started",
                                   "[OPTIONS]",
                                   "Two lines a queue: may jobs be submitted (enable, disable), "
                                   "and are they started (start, stop); behind a colon the reason "
                                   "that was given, if not.",
                                   status_options,
                                   usual_exits,
                                   " hactor queue status\n hactor queue status -q batch",
                                   false,
                                   0,
                                   0,
                                   run_status};

const command queue_stop_command{
    "queue stop",
    group_instance,
    "starts no more jobs of a queue",
    "[OPTIONS] [REASON...]",
    "Jobs that run go on, and more may be submitted. It stays so over a restart.",
    change_options,
    usual_exits,
    " hactor queue stop -q batch maintenance",
    false,
    0,
    any_number,
    run_stop};

const command queue_start_command{"queue start",
                                  group_instance,
                                  "starts jobs of a queue again",
                                  "[OPTIONS]",
                                  "Undoes 'hactor queue stop': what has waited meanwhile is "
                                  "started as there is room.",
                                  change_options,
                                  usual_exits,
                                  " hactor queue start -q batch",
                                  false,
                                  0,
                                  0,
                                  run_start};

const command queue_enable_command{"queue enable",
                                   group_instance,
                                   "takes new jobs into a queue again",
                                   "[OPTIONS]",
                                   "Undoes 'hactor queue disable': jobs can be submitted to it "
                                   "again.",
                                   change_options,
                                   usual_exits,
                                   " hactor queue enable -q batch",
                                   false,
                                   0,
                                   0,
                                   run_enable};

const command queue_disable_command{"queue disable",
                                    group_instance,
                                    "takes no new jobs into a queue",
                                    "[OPTIONS] [REASON...]",
                                    "Jobs that wait are still started. It stays so over a restart.",
                                    change_options,
                                    usual_exits,
                                    " hactor queue disable -q batch closed",
                                    false,
                                    0,
                                    any_number,
                                    run_disable};

const command explain_command{
    "explain",
    group_jobs,
    "tells why a job waits",
    "[OPTIONS] ID...",
    "A code for programs and a sentence for people. Codes: dependency, held, stopped, unloaded, "
    "next, "
    "reserved, resources, down, behind, unsatisfiable; of jobs that do not wait: running, cleanup, "
    "ended.",
    explain_options,
    usual_exits,
    " hactor explain fuZZybuNNy",
    false,
    1,
    any_number,
    run_explain};

} // namespace hactor::tools
