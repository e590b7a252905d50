// What happens to the plugins of a job, from their start files to shell.exit, as the shell's words
// say. Called by main.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "plugins/start_files.hpp"

namespace hactor::plugins {

class life {
public:
  explicit life(std::function<void(const plugin_word&)> say) : say_{std::move(say)} {}

  /// Does what the word asks for, and answers.
  void on_word(const plugin_word& word);
  /// True when the last word was answered.
  bool is_over() const { return over_; }

private:
  void begin(const plugin_word& word);
  void load(const plugin_job& job);
  void map_tasks();
  void prepare(const plugin_word& word);
  void call(task_view& t, const std::string& topic);
  std::string render(const std::string& text);
  bool run(const std::string& file);
  bool run_personality(const plugin_job& job);

  std::function<void(const plugin_word&)> say_;
  std::unique_ptr<job_view> job_;
  std::unique_ptr<stack> plugins_;
  std::unique_ptr<start_files> files_;
  bool over_ = false;
};

} // namespace hactor::plugins
