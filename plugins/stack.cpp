// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "plugins/stack.hpp"

#include <utility>

#include <dlfcn.h>
#include <fnmatch.h>
#include <glob.h>

#include <fmt/format.h>

namespace hactor::plugins {

std::vector<std::string> files_like(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> files;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return files;
}

bool is_pattern(const std::string& text) { return text.find_first_of("*?[") != text.npos; }

hactor_plugin& stack::add(const std::string& name, std::string conf) {
  plugins_.push_back(std::make_unique<hactor_plugin>(hactor_plugin{*this, {}, std::move(conf)}));
  rename(*plugins_.back(), name);
  return *plugins_.back();
}

void stack::rename(hactor_plugin& plugin, const std::string& name) {
  for (auto& other : plugins_)
    if (other.get() != &plugin && other->name == name)
      other->handlers.clear();
  plugin.name = name;
}

std::string stack::load(const std::string& pattern, const std::string& conf,
                        const std::string& search_path) {
  std::vector<std::string> files;
  auto in_folders = !pattern.starts_with('/') && !pattern.starts_with('.');
  if (in_folders)
    for (size_t at = 0; at <= search_path.size();) {
      auto end = std::min(search_path.find(':', at), search_path.size());
      auto folder = search_path.substr(at, end - at);
      for (auto& file : files_like(folder + "/" + pattern))
        files.push_back(std::move(file));
      at = end + 1;
    }
  if (files.empty())
    files = files_like(pattern);
  if (files.empty() && !is_pattern(pattern))
    return fmt::format("no such file{}", in_folders ? " here or in " + search_path : "");
  for (auto& file : files)
    if (auto wrong = load_library(file, conf); !wrong.empty())
      return wrong;
  return {};
}

std::string stack::load_library(const std::string& file, const std::string& conf) {
  job_.at("loading " + file, {});
  // With a slash, or the system's folders would be searched.
  auto* library =
      ::dlopen((file.find('/') == file.npos ? "./" + file : file).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return fmt::format("{}; must be a shared library that has a function hactor_plugin_init "
                       "(hactor/shell_plugin.h)",
                       ::dlerror());
  auto* init = reinterpret_cast<int (*)(hactor_plugin*)>(::dlsym(library, "hactor_plugin_init"));
  if (init == nullptr)
    return "it has no function hactor_plugin_init (hactor/shell_plugin.h)";
  auto name = file.substr(file.rfind('/') + 1);
  if (name.ends_with(".so"))
    name.resize(name.size() - 3);
  auto& plugin = add(name, conf);
  return init(&plugin) == 0 || job_.has_failed() ? std::string{}
                                                 : "its hactor_plugin_init has not returned 0";
}

bool stack::call(const std::string& topic, const std::string& argument) {
  auto outer_argument = std::exchange(argument_, argument);
  answer_.reset();
  auto good = true;
  // By index: handlers may load more, whose time has not come.
  for (size_t i = 0, count = plugins_.size(); good && i < count; ++i)
    for (size_t k = 0; good && k < plugins_[i]->handlers.size(); ++k) {
      auto& plugin = *plugins_[i];
      if (::fnmatch(plugin.handlers[k].pattern.c_str(), topic.c_str(), 0) != 0)
        continue;
      job_.at(plugin.name, topic);
      auto call = plugin.handlers[k].call; // it may add handlers, and so move this one
      good = call(topic.c_str()) >= 0;
      if (!good)
        job_.fail("its handler has returned -1");
    }
  argument_ = std::move(outer_argument);
  return good;
}

bool stack::call_from_handler(const std::string& topic, const std::string& argument) {
  auto answer = answer_;
  auto good = call(topic, argument);
  answer_ = std::move(answer);
  return good;
}

void stack::log(std::string_view name, int level, const std::string& text) {
  // What is logged about a log message would be another one, and so on.
  if (std::exchange(logging_, true))
    return;
  job_.log(name, level, text);
  call_from_handler("shell.log", dump({{"level", level}, {"message", text}, {"name", name}}));
  logging_ = false;
}

} // namespace hactor::plugins
