// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/modules.hpp"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>

#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "graph/library_file.hpp"
#include "graph/policy_library.hpp"
#include "mpi-boot/launcher_settings.hpp"
#include "runtime/here.hpp"
#include "runtime/log.hpp"
#include "workflow/instance.hpp"

namespace hactor {

namespace {

using workflow::module_description;

caf::error bad(const std::string& path, std::string_view why) {
  return make_error(ec::bad_argument, fmt::format("module {}: {}", path, why));
}

caf::expected<const module_description*> open_library(const std::string& path) {
  if (auto e = check_library_file(path))
    return bad(path, render(e));
  try {
    // Never closed: its code runs until the end.
    auto* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
      return bad(path, dlerror());
    auto entry = reinterpret_cast<const module_description* (*)()>(dlsym(library, "hactor_module"));
    if (entry == nullptr)
      return bad(path, "it does not define hactor_module (hactor/module.hpp)");
    return entry();
  } catch (...) {
    return bad(path, fmt::format("when it was asked what it is it threw {}", what_was_thrown()));
  }
}

caf::expected<const module_description*> load_one(const std::string& path) {
  auto what = open_library(path);
  if (!what)
    return what;
  if (*what == nullptr)
    return bad(path, "hactor_module returned a null pointer");
  if ((*what)->version != workflow::module_version)
    return bad(path, fmt::format("it was built for version {} of hactor/module.hpp; this is {}",
                                 (*what)->version, workflow::module_version));
  if ((*what)->caf != CAF_VERSION)
    return bad(path,
               fmt::format("it was built with CAF {}; hactor with {}", (*what)->caf, CAF_VERSION));
  if ((*what)->start == nullptr)
    return bad(path, "it has no function start");
  return what;
}

/// The sessions of modules are numbered apart from those of the socket.
constexpr uint64_t first_session = uint64_t{1} << 62;

caf::expected<int> dial(const connector_actor& connector) {
  static std::atomic<uint64_t> last{first_session};
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return make_errno_error(ec::system_failed, "socketpair", errno);
  send_here(connector, client_opened{++last, ends[1], ::getuid()});
  return ends[0];
}

} // namespace

caf::expected<std::vector<loaded_module>> load_modules(const std::string& text) {
  std::vector<loaded_module> all;
  for (size_t start = 0; start < text.size();) {
    auto end = std::min(text.find(',', start), text.size());
    loaded_module m;
    std::vector<std::string> words;
    for (size_t i = start; i < end; ++i) {
      if (text[i] == ' ')
        continue;
      auto word_end = std::min(text.find_first_of(" ,", i), end);
      words.push_back(text.substr(i, word_end - i));
      i = word_end;
    }
    start = end + 1;
    if (words.empty())
      return make_error(ec::bad_argument,
                        "modules.load: \"" + text + "\" has a comma without a file beside it");
    m.path = std::move(words.front());
    m.arguments.assign(std::make_move_iterator(words.begin() + 1),
                       std::make_move_iterator(words.end()));
    auto what = load_one(m.path);
    if (!what)
      return std::move(what.error());
    m.what = *what;
    all.push_back(std::move(m));
  }
  return all;
}

void start_modules(caf::actor_system& system, const std::vector<loaded_module>& modules,
                   const service_parts& parts, rank_actors& actors) {
  auto rank = parts.net->rank();
  auto environment = workflow::read_environment(environ);
  if (!modules.empty())
    std::erase_if(environment, [made = launcher_settings::of_this_process()](const auto& entry) {
      return made.made(entry.first + "=" + entry.second);
    });
  for (auto& m : modules) {
    if (rank != 0 && !m.what->on_every_rank)
      continue;
    log_info("module {} of {} starts", m.what->name, m.path);
    workflow::instance_setup setup;
    setup.dial = [connector = actors.connector] { return dial(connector); };
    setup.sockets = &parts.net->poller();
    setup.environment = environment;
    std::error_code gone;
    setup.cwd = std::filesystem::current_path(gone).string();
    workflow::module_context context;
    auto instance = system.spawn(workflow::instance_service, std::move(setup));
    context.instance = workflow::instance_actor{instance};
    context.rank = rank;
    context.size = parts.net->size();
    context.uri = parts.uri;
    context.arguments = m.arguments;
    // Unlike a service of ours it is not needed: the instance goes on without it.
    auto failed = [path = m.path](const std::string& name, const std::string& what) {
      log_error("module {} of {} has failed and is off: it threw \"{}\"", name, path, what);
    };
    actors.all.push_back(caf::actor_cast<caf::actor>(instance));
    actors.modules.push_back(
        spawn_guarded(system, failed, m.what->name, m.what->start, std::move(context)));
  }
}

} // namespace hactor
