// hactor submit: makes jobs and prints their ids.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cerrno>
#include <unistd.h>

#include "runtime/idset.hpp"
#include "tools/attach.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"

namespace hactor::tools {

namespace {

// Waits for the ends of the jobs, with their output if `watch`. Returns the largest exit code.
class ending {
public:
  ending(const invocation& call, const std::vector<std::string>& ids) : call_(call), ids_(ids) {
    auto& o = call.options;
    watch_ = o.has("watch");
    label_ = o.has("label-io");
    progress_ = o.has("progress") && !o.has("quiet") && ::isatty(2) == 1;
  }

  caf::expected<int> run(client& broker) {
    auto answer = [this](size_t i, caf::expected<json> result) {
      on_end(i, std::move(result));
      return true;
    };
    auto on_frame = [this](size_t, const frame& f) { on_output(f); };
    auto e = watch_ ? ask_each(broker, "job.attach", ids_, {{"stdin", false}}, 0, answer, on_frame)
                    : ask_each(broker, "job.wait", ids_, json::object(), 0, answer);
    if (progress_)
      write_all(2, "\n");
    if (e)
      return e;
    return code_;
  }

private:
  void on_end(size_t i, caf::expected<json> result) {
    ++ended_;
    int status = exit_failed;
    if (!result) {
      complain(call_, "job " + ids_[i] + ": " + render(result.error()));
    } else {
      status = static_cast<int>(number_at(*result, "status", 1));
      auto note = text_at(*result, "note");
      if (status != 0)
        complain(call_, "job " + ids_[i] + ": "
                          + (note.empty() ? "exit code " + std::to_string(status) : note));
    }
    code_ = std::max(code_, status);
    if (progress_)
      write_all(2, "\r" + std::to_string(ended_) + " of " + std::to_string(ids_.size())
                     + " jobs have ended");
  }

  void on_output(const frame& f) {
    auto part = f.kind == frame_kind::output ? read_output(f.payload) : std::nullopt;
    if (!part)
      return;
    auto bytes = label_ ? labels_.add(part->task, part->stream, part->bytes)
                        : std::string{part->bytes};
    if (!write_all(part->stream == 2 ? 2 : 1, bytes))
      note_output_failure(errno);
  }

  const invocation& call_;
  const std::vector<std::string>& ids_;
  bool watch_;
  bool label_;
  bool progress_;
  line_labels labels_;
  size_t ended_ = 0;
  int code_ = exit_ok;
};

caf::expected<int> submit_with(const invocation& call, client& broker, const json& params) {
  auto& options = call.options;
  auto ids = submit_job(broker, params);
  if (!ids)
    return std::move(ids.error());
  if (!options.has("quiet"))
    for (auto& id : *ids)
      print_line(id);
  flush_output(); // a script may read the ids long before the jobs end
  if (options.has("wait-event"))
    if (auto e = wait_for_event(call, broker, *ids, options.value("wait-event")))
      return e;
  if (options.has("wait") || options.has("watch"))
    return ending{call, *ids}.run(broker);
  return exit_ok;
}

// The jobspec of each job that would be submitted, a line each.
void print_jobspecs(const json& params) {
  auto text = dump(params["jobspec"]);
  auto* set = params.contains("cc") ? &params["cc"] : params.contains("bcc") ? &params["bcc"]
                                                                             : nullptr;
  auto values = set == nullptr ? caf::expected<idset>{idset{}}
                               : idset::parse(set->get_ref<const std::string&>());
  if (set == nullptr || !values)
    return print_line(text);
  for (auto value : values->expand()) {
    auto own = text;
    auto number = std::to_string(value);
    for (size_t at = 0; (at = own.find("{cc}", at)) != own.npos; at += number.size())
      own.replace(at, 4, number);
    print_line(own);
  }
}

int run_submit(const invocation& call) {
  auto params = build_submit(call.options, read_environment(environ), working_directory());
  if (!params)
    return fail_usage(call, params.error());
  for (auto* name : {"cc", "bcc"})
    if (call.options.has(name)) {
      auto set = read_copies(call.options, name);
      if (!set)
        return fail_usage(call, set.error());
      (*params)[name] = *set;
    }
  (*params)["flags"] = json::array({"waitable"}); // 'hactor job wait' will tell of them
  if (call.options.has("cc") && call.options.has("bcc"))
    return fail_usage(call, make_error(ec::bad_argument, "--cc and --bcc exclude each other"));
  if (call.options.has("dry-run")) {
    print_jobspecs(*params);
    return exit_ok;
  }
  return with_broker(call, [&](client& broker) { return submit_with(call, broker, *params); });
}

} // namespace

const command submit_command{
  "submit",
  group_submit,
  "submits a job and prints its id",
  "[OPTIONS] [--] COMMAND [ARGS...]",
  "Makes a job of COMMAND, which gets the resources that the options ask for when they are free. "
  "Prints the job's id, alone on its line, once the job is recorded, and returns; the job's output "
  "goes to --output, or is kept for 'hactor job attach'. Options end at the command: what follows "
  "it is the command's own.\n\n"
  "The job gets the current directory and this process's environment, less the variables that "
  "launchers of parallel programs set.",
  submit_table,
  " 0  submitted; with --wait or --watch: all jobs ended with 0\n"
  " 1  refused, or no instance answers; the reason is on standard error\n"
  " 2  the command line is wrong\n"
  " n  with --wait or --watch: the largest exit code of the jobs, 128+N for signal N",
  " id=$(hactor submit -n 4 -t 10 -o out.{{id}} ./simulate input.json)\n"
  " hactor submit --dependency=afterok:$id ./analyse",
  true,
  1,
  any_number,
  run_submit};

} // namespace hactor::tools
