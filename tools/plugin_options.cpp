// See plugin_options.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/plugin_options.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/json.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

constexpr std::string_view suffix = ".options";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789-";

/// What tables of options point into; a deque, so that nothing moves.
struct storage {
  std::deque<std::string> texts;
  std::deque<std::vector<option_spec>> tables;
  std::deque<command> commands;
  std::vector<std::string> names; // of the options that plugins have declared, in `texts`

  const char* keep(std::string text) { return texts.emplace_back(std::move(text)).c_str(); }
};

storage& kept() {
  static storage s;
  return s;
}

bool submits(const command& of) {
  constexpr std::string_view names[] = {"submit", "run", "bulksubmit", "batch", "alloc"};
  return std::ranges::find(names, std::string_view{of.name}) != std::end(names);
}

/// Whether one of the rows, or --help, has this long name.
bool is_taken(std::span<const option_spec> rows, std::string_view name) {
  if (name == help_option.name)
    return true;
  return std::ranges::any_of(rows, [name](auto& row) {
    auto spellings = " " + std::string{row.aliases == nullptr ? "" : row.aliases} + " ";
    return row.name == name || spellings.find(" --" + std::string{name} + " ") != spellings.npos;
  });
}

/// Why the entry is no option of the table `rows`; nothing when it is one.
std::string fault_of(const json& entry, std::span<const option_spec> rows) {
  if (!entry.is_object())
    return "each option must be an object, found " + dump(entry);
  for (auto& [key, value] : entry.items())
    if (key != "name" && key != "argument" && key != "meaning")
      return "'" + key + "' is unknown; an option has a name, a meaning and perhaps an argument";
    else if (!value.is_string() || value.get_ref<const std::string&>().empty())
      return "'" + key + "' must be text, found " + dump(value);
  auto name = entry.value("name", "");
  if (name.size() < 2 || name.front() == '-' || name.back() == '-'
      || name.find_first_not_of(letters) != name.npos)
    return "the name '" + name + "' is not small letters, digits and dashes";
  if (!entry.contains("meaning"))
    return "--" + name + " has no meaning";
  // "--x-text" is what "--x=TEXT" of a flag becomes (options.cpp).
  if (is_taken(rows, name) || name.ends_with("-text"))
    return "--" + name + " is taken; options of plugins need names of their own";
  return {};
}

caf::error add_options_of(const std::string& plugin, std::vector<option_spec>& rows) {
  auto file = plugin + std::string{suffix};
  if (::access(file.c_str(), F_OK) != 0)
    return {};
  auto bad = [&](const std::string& why) {
    return make_error(ec::bad_argument, file + ": " + why);
  };
  auto text = read_file(file);
  if (!text)
    return std::move(text.error());
  auto list = parse_json(*text);
  if (!list || !list->is_array())
    return bad((list ? "" : context_of(list.error()) + "; ")
               + std::string{"must be a list of options in JSON, like [{\"name\": \"tag\", "
                             "\"argument\": \"TEXT\", \"meaning\": \"..\"}] "
                             "(doc/cli-plugins.md)"});
  for (auto& entry : *list) {
    if (auto fault = fault_of(entry, rows); !fault.empty())
      return bad(fault);
    auto& all = kept();
    auto base = plugin.substr(plugin.rfind('/') + 1);
    auto name = entry["name"].get<std::string>();
    auto argument = entry.contains("argument") ? entry["argument"].get<std::string>() : "";
    rows.push_back(
        {0, all.keep(name), argument.empty() ? nullptr : all.keep(argument),
         all.keep(entry["meaning"].get<std::string>() + " (Of the plugin " + base + ".)")});
    all.names.push_back(std::move(name));
  }
  return {};
}

} // namespace

std::vector<std::string> find_plugins() {
  auto* value = std::getenv("HACTOR_CLI_PLUGINPATH");
  std::string_view path = value == nullptr ? "" : value;
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
      std::string_view name = entry->d_name;
      auto file = folder + "/" + entry->d_name;
      struct stat about {};
      if (!name.starts_with('.') && !name.ends_with(suffix) && ::stat(file.c_str(), &about) == 0
          && S_ISREG(about.st_mode) && ::access(file.c_str(), X_OK) == 0)
        found.push_back(std::move(file));
    }
    ::closedir(entries);
    std::sort(found.begin() + static_cast<ptrdiff_t>(first), found.end());
  }
  return found;
}

caf::expected<const command*> with_plugin_options(const command& of) {
  if (!submits(of))
    return &of;
  std::vector<option_spec> rows{of.options.begin(), of.options.end()};
  for (auto& plugin : find_plugins())
    if (auto e = add_options_of(plugin, rows))
      return e;
  if (rows.size() == of.options.size())
    return &of;
  auto& all = kept();
  all.commands.push_back(of);
  all.commands.back().options = all.tables.emplace_back(std::move(rows));
  return &all.commands.back();
}

bool is_plugin_option(const option_spec& option) {
  return std::ranges::find(kept().names, std::string_view{option.name}) != kept().names.end();
}

} // namespace hactor::tools
