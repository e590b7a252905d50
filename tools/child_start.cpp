// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/child_start.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "graph/rset.hpp"
#include "tools/become.hpp"
#include "tools/session.hpp"
#include "tools/task_places.hpp"

extern char** environ;

namespace hactor::tools {

namespace {

constexpr size_t folder_bytes_max = 70; // of 107 for a socket's path

std::string variable(const char* name) {
  auto* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// What -S said: {"NAME": "VALUE"}; "NAME" alone sets a flag.
json settings_of(const parsed_options& o) {
  auto settings = json::object();
  for (auto& item : o.all("setattr")) {
    auto equals = item.find('=');
    settings[item.substr(0, equals)] = equals == std::string::npos ? "true"
                                                                   : item.substr(equals + 1);
  }
  return settings;
}

/// What a task is told of its job, and of the process manager there, is not for what it becomes.
/// Which of its copies it is (--cc) stays: the script has no other way to know.
void forget(std::initializer_list<std::string_view> prefixes) {
  std::vector<std::string> gone;
  for (auto** e = environ; *e != nullptr; ++e) {
    std::string_view text = *e;
    auto name = text.substr(0, text.find('='));
    for (auto prefix : prefixes)
      if (name.starts_with(prefix) && !name.ends_with("_JOB_CC"))
        gone.emplace_back(name);
  }
  for (auto& name : gone)
    ::unsetenv(name.c_str());
}

/// Of the job that holds the instance this alone is told.
void name_enclosing() {
  ::setenv("HACTOR_ENCLOSING_ID", variable("HACTOR_JOB_ID").c_str(), 1);
  if (auto attempt = variable("HACTOR_JOB_ATTEMPT"); attempt.empty())
    ::unsetenv("HACTOR_ENCLOSING_ATTEMPT");
  else
    ::setenv("HACTOR_ENCLOSING_ATTEMPT", attempt.c_str(), 1);
}

/// With --compat=flux the task was told by Flux's names too, and the script is to be: true when it
/// was, and then they are as for a script there. Requires: HACTOR_URI is still the task's.
bool change_compat() {
  auto uri = variable("FLUX_URI");
  if (uri.empty() || uri != variable("HACTOR_URI"))
    return false;
  ::setenv("FLUX_ENCLOSING_ID", variable("HACTOR_JOB_ID").c_str(), 1);
  forget({"FLUX_JOB_", "FLUX_TASK_", "FLUX_KVS_NAMESPACE"});
  return true;
}

/// The script sees the new instance, and nothing of the task that it was: the same script runs the
/// same at every level.
void become_outermost(const std::string& uri) {
  name_enclosing();
  if (change_compat())
    ::setenv("FLUX_URI", uri.c_str(), 1);
  ::setenv("HACTOR_URI", uri.c_str(), 1);
  forget({"HACTOR_JOB_", "HACTOR_TASK_", "HACTOR_KVS_", "HACTOR_LEVEL", "PMI_", "PMIX_"});
}

/// An instance that is shut down terminates its script, which this is: then all went well.
int serve() {
  sigset_t terminated;
  sigemptyset(&terminated);
  sigaddset(&terminated, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &terminated, nullptr);
  int signo = 0;
  while (::sigwait(&terminated, &signo) != 0) {
  }
  return exit_ok;
}

/// What brokers on the node have, and until when.
std::vector<std::string> words_of(const node_share& node, const rset& of) {
  std::vector<std::string> words{"--cores=" + node.cores.to_string(),
                                 "--gpus=" + node.gpus.to_string()};
  if (of.expiration > 0)
    words.push_back(fmt::format("--lasts={:.3f}-{:.3f}", of.starttime, of.expiration));
  return words;
}

} // namespace

bool is_in_job() { return !variable("HACTOR_JOB_ID").empty() && !variable("HACTOR_URI").empty(); }

int start_child(const invocation& call) {
  auto job = variable("HACTOR_JOB_ID");
  if (auto rank = variable("HACTOR_TASK_RANK"); rank != "0" && !rank.empty())
    return with_broker(call, [&](client& broker) -> caf::expected<int> {
      auto over = broker.ask("instance.wait", {{"job", job}}, 0);
      if (!over)
        return std::move(over.error());
      return exit_ok;
    });
  std::string uri;
  auto code = with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto settings = settings_of(call.options);
    auto made = broker.ask("instance.start", {{"job", job}, {"settings", settings}});
    if (!made) {
      // What -S sets is wrong, as it would be in an outermost instance.
      if (made.error() == ec::bad_argument
          || (made.error() == ec::not_permitted && !settings.empty())) {
        complain(call, render(made.error()));
        return exit_usage;
      }
      return std::move(made.error());
    }
    uri = text_at(*made, "uri");
    return exit_ok;
  });
  if (code != exit_ok)
    return code;
  if (call.options.has("verbose"))
    complain(call, "HACTOR_URI=" + uri);
  if (call.options.has("serve"))
    return serve();
  become_outermost(uri);
  return become(call, call.options.operands);
}

std::vector<std::string> granted_words(const invocation& call) {
  std::vector<std::string> words;
  auto code = with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto places = find_tasks(broker, variable("HACTOR_JOB_ID"));
    if (!places)
      return std::move(places.error());
    auto& r = places->resources;
    auto nodes = places->nodes();
    auto own = nodes.find(std::strtoull(variable("HACTOR_TASK_RANK").c_str(), nullptr, 10));
    if (own == nodes.end() || own->second >= r.nodes.size())
      return make_error(ec::wrong_state, "this process is no task of its job");
    words = words_of(r.nodes[own->second], r);
    return exit_ok;
  });
  if (code != exit_ok)
    complain(call, "what the job was granted is not known: all of this host is used");
  return words;
}

bool is_in_script_of_job() {
  return !is_in_job() && !variable("HACTOR_URI").empty()
         && !variable("HACTOR_ENCLOSING_ID").empty();
}

std::vector<std::string> own_node_words(const invocation& call) {
  std::vector<std::string> words;
  auto code = with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto about = broker.ask("hello", json::object());
    if (!about)
      return std::move(about.error());
    auto list = broker.ask("resource.list", json::object());
    if (!list)
      return std::move(list.error());
    auto all = parse_rset(dump(object_at(*list, "all")));
    if (!all)
      return std::move(all.error());
    auto own = std::find_if(all->nodes.begin(), all->nodes.end(), [&](const node_share& node) {
      return node.rank == static_cast<rank_t>(number_at(*about, "rank"));
    });
    if (own == all->nodes.end())
      return make_error(ec::wrong_state, "the instance has no node here");
    words = words_of(*own, *all);
    return exit_ok;
  });
  if (code != exit_ok)
    complain(call, "what the instance around was granted is not known: all of this host is used");
  return words;
}

std::vector<std::string> prepare_brokers(const invocation& call) {
  auto words = granted_words(call);
  auto size = variable("HACTOR_JOB_SIZE");
  auto level = std::strtoul(variable("HACTOR_LEVEL").c_str(), nullptr, 10);
  // In the folder of the job, which goes with it however its brokers have ended; several of them
  // may be here, and one after another. A socket's path is short.
  if (auto folder = variable("HACTOR_JOB_TMPDIR");
      !folder.empty() && folder.size() < folder_bytes_max && !call.options.has("rundir"))
    words.push_back(fmt::format("--rundir={}/brokers-{}", folder, ::getpid()));
  name_enclosing();
  if (change_compat()) // its own is set when it is known (mpi-boot/script.cpp)
    ::unsetenv("FLUX_URI");
  ::setenv("HACTOR_ENCLOSING_URI", variable("HACTOR_URI").c_str(), 1);
  forget({"HACTOR_JOB_", "HACTOR_TASK_", "HACTOR_KVS_", "HACTOR_LEVEL"});
  words.push_back("--level=" + std::to_string(level + 1));
  if (size == "1")
    words.push_back("--mpi=none"); // there is no process manager for one task
  return words;
}

} // namespace hactor::tools
