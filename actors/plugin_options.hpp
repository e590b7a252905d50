// Which plugins and start files a job asks for: the options initrc, userrc, plugins and mpi of its
// shell. Called by launch_plan.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/json.hpp"

namespace hactor {

struct plugin_options {
  std::string initrc;      // in the system's place; "": the system's; "none"
  std::string userrc;      // in the place of the user's own; likewise
  std::string personality; // mpi/NAME.lua is to be read
  std::vector<std::pair<std::string, std::string>> load; // plugins: file, conf as JSON

  /// True when there is something to load, whatever files the system and the user have.
  bool asked() const;
};

/// Errors: ec::bad_jobspec, naming the option.
caf::expected<plugin_options> read_plugin_options(const json& options);

} // namespace hactor
