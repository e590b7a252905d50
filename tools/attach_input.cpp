// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/attach_input.hpp"

#include <algorithm>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runtime/idset.hpp"
#include "tools/job_choice.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

/// A pipe, a file or a socket; not a terminal, nor /dev/null, which background jobs of sh have: its
/// end would be the end of the input of whoever else is attached.
bool has_input() {
  struct stat s {};
  if (::fstat(0, &s) != 0 || ::isatty(0) == 1)
    return false;
  return !S_ISCHR(s.st_mode) || s.st_rdev != makedev(1, 3);
}

/// Has the first task a terminal? (launch_plan reads the same.)
bool has_terminal(const json& shell) {
  auto* pty = find_json(shell, "pty");
  if (pty == nullptr || *pty == false || *pty == 0)
    return false;
  auto ranks = pty->is_object() && pty->contains("ranks") ? (*pty)["ranks"] : json("all");
  auto text = ranks.is_string() ? ranks.get<std::string>() : dump(ranks);
  auto set = idset::parse(text);
  return text == "all" || (set && set->contains(0));
}

/// The options of the job's shell; null when they cannot be had: attaching says why.
json shell_options(client& broker, const std::string& id) {
  auto reply = broker.ask("job.info", {{"id", id}, {"key", "jobspec"}});
  auto spec = reply ? parse_json(text_at(*reply, "value")) : std::move(reply);
  auto* options = spec ? find_json(*spec, "attributes.system.shell.options") : nullptr;
  return options != nullptr ? *options : json{};
}

caf::error check_tasks(client& broker, const std::string& id, const std::vector<uint32_t>& tasks) {
  auto jobs = list_all(broker, {{"ids", json::array({id})}});
  if (!jobs || jobs->size() != 1 || tasks.empty())
    return {};
  auto count = static_cast<uint64_t>(number_at((*jobs)[0], "ntasks"));
  auto last = *std::ranges::max_element(tasks);
  if (count == 0 || last < count)
    return {};
  return bad("--stdin-ranks: job " + id + " has no task " + std::to_string(last) + ", only "
             + (count == 1 ? "task 0" : "tasks 0-" + std::to_string(count - 1)));
}

} // namespace

caf::error read_input_tasks(const parsed_options& o, attach_settings& settings) {
  if (o.has("stdin-ranks") && o.has("read-only"))
    return bad("--read-only and --stdin-ranks exclude each other");
  auto text = o.value("stdin-ranks");
  if (text.empty())
    return {};
  settings.forward_input = true;
  if (text == "all")
    return {};
  auto ranks = idset::parse(text);
  if (!ranks || ranks->empty())
    return bad("--stdin-ranks: '" + text + "' is neither all nor tasks like 0-3");
  settings.input_tasks = ranks->expand();
  return {};
}

caf::error choose_input(const parsed_options& o, client& broker, const std::string& id,
                        attach_settings& settings) {
  if (o.has("read-only"))
    return {};
  if (o.has("stdin-ranks"))
    return check_tasks(broker, id, settings.input_tasks);
  auto person = ::isatty(0) == 1 && ::isatty(1) == 1 && !o.has("label-io");
  if (!person && !has_input())
    return {};
  auto shell = shell_options(broker, id);
  auto* kind = find_json(shell, "input.stdin.type");
  settings.terminal = person && has_terminal(shell);
  settings.forward_input =
      settings.terminal
      || (!person && (has_terminal(shell) || (kind != nullptr && *kind == "service")));
  return {};
}

} // namespace hactor::tools
