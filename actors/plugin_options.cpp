// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/plugin_options.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

namespace hactor {

namespace {

constexpr auto path = "attributes.system.shell.options";
constexpr json_where where{ec::bad_jobspec, path};

using plugin_list = std::vector<std::pair<std::string, std::string>>;

/// FILE.so, FILE.so:JSON, or several files with commas between.
caf::error read_texts(std::string_view text, plugin_list& to) {
  constexpr std::string_view mark = ".so:";
  if (auto at = text.find(mark); at != text.npos) {
    auto conf = text.substr(at + mark.size());
    auto value = parse_json(conf);
    if (!value)
      return make_error(ec::bad_jobspec,
                        fmt::format("{}.plugins: what is behind \"{}:\" must be JSON: {}", path,
                                    text.substr(0, at + 3), context_of(value.error())));
    to.emplace_back(text.substr(0, at + 3), dump(*value));
    return {};
  }
  while (true) {
    auto file = text.substr(0, text.find(','));
    if (file.empty())
      return make_error(ec::bad_jobspec,
                        fmt::format("{}.plugins: the name of a file is empty", path));
    to.emplace_back(file, "null");
    if (file.size() == text.size())
      return {};
    text.remove_prefix(file.size() + 1);
  }
}

caf::error read_plugin(const json& value, plugin_list& to) {
  if (value.is_string())
    return read_texts(value.get_ref<const std::string&>(), to);
  auto file = value.is_object() ? get_string(value, "file", where)
                                : caf::expected<std::string>{ec::bad_jobspec};
  if (!file)
    return make_error(ec::bad_jobspec,
                      fmt::format("{}.plugins: must be FILE.so, FILE.so:JSON, {{\"file\": FILE, "
                                  "\"conf\": ..}} or a list of these, found {}",
                                  path, dump(value)));
  auto conf = value.find("conf");
  to.emplace_back(std::move(*file), conf == value.end() ? "null" : dump(*conf));
  return {};
}

} // namespace

bool plugin_options::asked() const {
  auto names = [](const std::string& file) { return !file.empty() && file != "none"; };
  return names(initrc) || names(userrc) || !personality.empty() || !load.empty();
}

caf::expected<plugin_options> read_plugin_options(const json& options) {
  plugin_options all;
  for (auto& [key, value] : {std::pair{"initrc", &all.initrc}, std::pair{"userrc", &all.userrc}}) {
    auto file = get_string_or(options, key, "", where);
    if (!file)
      return std::move(file.error());
    *value = std::move(*file);
  }
  if (auto at = options.find("plugins"); at != options.end()) {
    if (!at->is_array()) {
      if (auto e = read_plugin(*at, all.load))
        return e;
    } else {
      for (auto& one : *at)
        if (auto e = read_plugin(one, all.load))
          return e;
    }
  }
  auto mpi = get_string_or(options, "mpi", "", where);
  if (!mpi)
    return std::move(mpi.error());
  // Those that need no file: launch_plan knows them.
  constexpr std::string_view known[] = {"", "none", "mpich", "intel", "openmpi", "spectrum"};
  if (std::find(std::begin(known), std::end(known), *mpi) == std::end(known))
    all.personality = std::move(*mpi);
  return all;
}

} // namespace hactor
