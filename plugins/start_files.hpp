// Start files: Lua, which loads and registers plugins and sets options (doc/shell-plugins.md).
// The only file of ours that calls Lua is start_files.cpp. Called by main.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include "plugins/stack.hpp"

namespace hactor::plugins {

class start_files {
public:
  explicit start_files(stack& plugins);
  ~start_files();

  /// Runs one file. What went wrong, with file and line; "" when nothing did.
  std::string run(const std::string& file);

  /// Folders of plugins, with colons between; start files change it.
  std::string search_path() const;

  struct interpreter;

private:
  std::unique_ptr<interpreter> lua_;
};

} // namespace hactor::plugins
