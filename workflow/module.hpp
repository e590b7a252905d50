// Modules: actors of one's own within a broker. A module is a shared library that defines
// hactor_module(); the attribute modules.load names its file:
//
//     hactor start -S modules.load=/path/libmine.so ...
//     hactor start -S "modules.load=/path/libmine.so steps=10 verbose, /path/libother.so" ...
//
// Its actor takes and sends the messages of workflow.hpp, as an actor of a driver does. It is
// started when the instance is complete, before the instance's script, and is killed when the
// instance ends. What of it throws ends this actor, and the log says so; the instance goes on. It
// must not block: threads that wait are for actors that it spawns detached. Installed as
// hactor/module.hpp; examples/workflow has one. Needs the CAF that hactor was built with.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/behavior.hpp>
#include <caf/config.hpp>
#include <caf/event_based_actor.hpp>

#include "workflow.hpp"

namespace hactor::workflow {

/// Changes when a library that was built before would be misunderstood; such a one is refused.
inline constexpr uint32_t module_version = 1;

/// What a module's actor is given.
struct module_context {
  instance_actor instance;                 ///< The instance whose broker this is.
  uint32_t rank = 0;                       ///< Of this broker.
  uint32_t size = 1;                       ///< How many brokers there are.
  std::string uri = {};                    ///< Of this broker, for programs that the module starts.
  std::vector<std::string> arguments = {}; ///< The words behind the file's name in modules.load.
};

/// What a module is. The first two say whether the rest may be read: leave them as they are.
struct module_description {
  uint32_t version = module_version;
  uint32_t caf = CAF_VERSION;
  const char* name = "";      ///< In the log.
  bool on_every_rank = false; ///< One actor a broker, not one for the instance.
  /// Makes the actor, as any function-based actor of CAF is made. Actors that it spawns should be
  /// linked to it, so that they end with it.
  caf::behavior (*start)(caf::event_based_actor* self, const module_context& context) = nullptr;
};

} // namespace hactor::workflow

/// To be defined by the library. What it returns must stay as it is for good.
extern "C" HACTOR_WORKFLOW_API const hactor::workflow::module_description* hactor_module();
