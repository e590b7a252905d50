// hactor scheduler: taking the scheduler out of use, and another into use, while jobs run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/commands.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec load_options[] = {
    {'S', "set", "NAME=VALUE",
     "An attribute of the scheduler: sched.policy, sched.match, sched.queues, sched.default_queue, "
     "sched.queue_depth, sched.reservation_depth, sched.cut_at_end. May be repeated. Others stay "
     "as they are."},
};

int ask(const invocation& call, const char* verb, const std::vector<std::string>& settings = {}) {
  for (auto& s : settings)
    if (auto equals = s.find('='); equals == 0 || equals == std::string::npos)
      return fail_usage(call, make_error(ec::bad_argument, "-S takes NAME=VALUE, not '" + s + "'"));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("scheduler", {{"verb", verb}, {"settings", settings}});
    if (!reply) {
      auto code = code_of(reply.error());
      auto is_usage = code == ec::bad_argument || code == ec::unknown_key;
      return is_usage ? fail_usage(call, reply.error()) : fail(call, reply.error());
    }
    auto count = [&](const char* key) {
      return std::to_string(static_cast<uint64_t>(number_at(*reply, key)));
    };
    if (object_at(*reply, "loaded") != true)
      print_line("the scheduler is not loaded: jobs wait");
    else
      print_line("the scheduler is loaded: " + count("waiting") + " wait, " + count("running")
                 + " run");
    for (auto& [name, value] : object_at(*reply, "settings").items())
      if (value.is_string() && !value.get_ref<const std::string&>().empty())
        print_line("  " + name + "=" + value.get<std::string>());
    return exit_ok;
  });
}

int run_status(const invocation& call) { return ask(call, "status"); }
int run_unload(const invocation& call) { return ask(call, "unload"); }
int run_load(const invocation& call) { return ask(call, "load", call.options.all("set")); }
int run_reload(const invocation& call) { return ask(call, "reload", call.options.all("set")); }

int run_scheduler(const invocation& call) {
  complain(call, "needs a verb: status, unload, load or reload");
  return exit_usage;
}

} // namespace

const command scheduler_command{"scheduler",
                                group_instance,
                                "what decides which job runs next, and where",
                                "status|unload|load|reload",
                                "It can be taken out of use, and into use again with another "
                                "policy, while jobs run.",
                                {},
                                usual_exits,
                                " hactor scheduler reload -S sched.policy=easy",
                                false,
                                0,
                                any_number,
                                run_scheduler};

const command scheduler_status_command{"scheduler status",
                                       group_instance,
                                       "tells whether it is loaded, and its settings",
                                       "",
                                       "Counts are of the jobs that it knows.",
                                       {},
                                       usual_exits,
                                       " hactor scheduler status",
                                       false,
                                       0,
                                       0,
                                       run_status};

const command scheduler_unload_command{"scheduler unload",
                                       group_instance,
                                       "takes the scheduler out of use",
                                       "",
                                       "Jobs that run go on. Jobs can be submitted and cancelled; "
                                       "none starts before 'hactor scheduler "
                                       "load'. The resource graph stays as it is.",
                                       {},
                                       usual_exits,
                                       " hactor scheduler unload",
                                       false,
                                       0,
                                       0,
                                       run_unload};

const command scheduler_load_command{
    "scheduler load",
    group_instance,
    "takes a scheduler into use after an unload",
    "[OPTIONS]",
    "It learns from the job manager which jobs run on what, and which wait. A wrong setting is "
    "refused, and nothing has changed. Settings are those of this run of the instance: a restart "
    "begins with what 'hactor start' is given.",
    load_options,
    usual_exits,
    " hactor scheduler load -S sched.policy=easy",
    false,
    0,
    0,
    run_load};

const command scheduler_reload_command{
    "scheduler reload",
    group_instance,
    "unloads the scheduler and loads one with other settings",
    "[OPTIONS]",
    "For a change of policy while jobs run. A wrong setting is refused, and the old scheduler "
    "stays; "
    "so it does when jobs wait in a queue that would be no more.",
    load_options,
    usual_exits,
    " hactor scheduler reload -S sched.policy=easy -S sched.match=low",
    false,
    0,
    0,
    run_reload};

} // namespace hactor::tools
