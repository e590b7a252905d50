// The plugins that were loaded, in their order, and the calls of their handlers. Called by api.cpp,
// lua.cpp, main.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/job_view.hpp"

namespace hactor::plugins {
class stack;
}

/// What the public header calls a plugin.
struct hactor_plugin {
  struct handler {
    std::string pattern;
    std::function<int(const char* topic)> call;
  };

  hactor::plugins::stack& all;
  std::string name;
  std::string conf = "null"; // JSON
  std::vector<handler> handlers{};
  std::string text{}; // that was returned last
};

namespace hactor::plugins {

class stack {
public:
  explicit stack(job_view& job) : job_{job} {}

  job_view& job() { return job_; }

  /// A plugin without handlers, behind the others.
  hactor_plugin& add(const std::string& name, std::string conf);
  /// A plugin has the name from here on; another that had it has no handlers any more.
  void rename(hactor_plugin& plugin, const std::string& name);

  /// Loads libraries: a file or pattern, in the folders of `search_path` (by colons) unless it
  /// begins with / or a dot. What went wrong, "" when nothing did.
  std::string load(const std::string& pattern, const std::string& conf,
                   const std::string& search_path);

  /// Calls all handlers of the topic, in order, with the argument. False when one has failed; then
  /// the shell was told.
  bool call(const std::string& topic, const std::string& argument = "null");
  /// The same for a handler, which may have answered already: its own answer stays.
  bool call_from_handler(const std::string& topic, const std::string& argument = "null");
  /// What a handler has answered in the last call.
  const std::optional<std::string>& answer() const { return answer_; }

  const std::string& argument() const { return argument_; }
  void set_answer(std::string text) { answer_ = std::move(text); }
  void log(std::string_view name, int level, const std::string& text);

private:
  std::string load_library(const std::string& file, const std::string& conf);

  job_view& job_;
  std::vector<std::unique_ptr<hactor_plugin>> plugins_;
  std::string argument_ = "null";
  std::optional<std::string> answer_;
  bool logging_ = false;
};

/// Files that match, in order; none: there are no such.
std::vector<std::string> files_like(const std::string& pattern);
bool is_pattern(const std::string& text);

} // namespace hactor::plugins
