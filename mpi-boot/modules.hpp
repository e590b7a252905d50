// Modules of users: shared libraries with the entry point of workflow/module.hpp, and their actors
// within this broker. What a module asks of the instance goes over the ends of a socketpair to this
// broker's connector, which serves it as it serves any client. Caller: broker_main.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include <caf/actor_system.hpp>

#include "mpi-boot/services.hpp"
#include "workflow/module.hpp"

namespace hactor {

/// A module as modules.load names it, loaded.
struct loaded_module {
  std::string path;
  std::vector<std::string> arguments;
  const workflow::module_description* what = nullptr;
};

/// Loads what the text of modules.load names. The libraries stay until the process ends. Errors:
/// ec::bad_argument, naming the file and what is wrong with it (cannot be loaded, cut off, no entry
/// point, another version, another CAF, or it threw).
caf::expected<std::vector<loaded_module>> load_modules(const std::string& text);

/// Starts the actors that belong on this rank, and adds them to `actors`.
void start_modules(caf::actor_system& system, const std::vector<loaded_module>& modules,
                   const service_parts& parts, rank_actors& actors);

} // namespace hactor
