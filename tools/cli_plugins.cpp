// Plugins of sites and users: programs that see a job before it is submitted (doc/cli-plugins.md).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdlib>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/spawner_filter.hpp"
#include "tools/client.hpp"
#include "tools/submit_options.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

/// The programs in the folders of the path, folder by folder, each by name.
std::vector<std::string> find_plugins(std::string_view path) {
  std::vector<std::string> found;
  while (!path.empty()) {
    auto end = std::min(path.find(':'), path.size());
    std::string folder{path.substr(0, end)};
    path.remove_prefix(std::min(end + 1, path.size()));
    auto* entries = folder.empty() ? nullptr : ::opendir(folder.c_str());
    if (entries == nullptr)
      continue;
    auto first = found.size();
    while (auto* entry = ::readdir(entries)) {
      auto file = folder + "/" + entry->d_name;
      struct stat about {};
      if (entry->d_name[0] != '.' && ::stat(file.c_str(), &about) == 0 && S_ISREG(about.st_mode)
          && ::access(file.c_str(), X_OK) == 0)
        found.push_back(std::move(file));
    }
    ::closedir(entries);
    std::sort(found.begin() + static_cast<ptrdiff_t>(first), found.end());
  }
  return found;
}

json told_options(const parsed_options& options) {
  auto told = json::object();
  for (auto& text : options.all("plugin")) {
    auto equals = text.find('=');
    told[text.substr(0, equals)] = equals == text.npos ? json(true) : json(text.substr(equals + 1));
  }
  return told;
}

caf::error apply_plugin(const std::string& plugin, json asked, json& spec) {
  asked["jobspec"] = spec;
  auto done = run_filter({plugin, text_at(asked, "command")}, dump(asked) + "\n");
  if (!done)
    return bad("plugin " + plugin + ": " + context_of(done.error()));
  auto status = done->wait_status;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return bad("plugin " + plugin + " refuses the job: it "
               + (WIFEXITED(status) ? "ended with exit code " + std::to_string(WEXITSTATUS(status))
                                    : "was ended by signal " + std::to_string(WTERMSIG(status))));
  if (done->output.find_first_not_of(" \t\r\n") == std::string::npos)
    return {}; // it has only looked
  auto changed = parse_object(done->output);
  if (!changed)
    return bad("plugin " + plugin
               + ": what it gives is no jobspec: " + context_of(changed.error()));
  spec = std::move(*changed);
  return {};
}

} // namespace

caf::error apply_plugins(const parsed_options& options, json& params) {
  auto* path = std::getenv("HACTOR_CLI_PLUGINPATH");
  auto plugins = find_plugins(path == nullptr ? "" : path);
  if (plugins.empty() && options.has("plugin"))
    return bad("--plugin: HACTOR_CLI_PLUGINPATH names no folder with plugins");
  json asked{{"command", options.of->name}, {"options", told_options(options)}};
  for (auto& plugin : plugins)
    if (auto e = apply_plugin(plugin, asked, params["jobspec"]))
      return e;
  return {};
}

} // namespace hactor::tools
