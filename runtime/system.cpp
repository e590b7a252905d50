// See system.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/system.hpp"

#include <caf/io/middleman.hpp>

#include "runtime/multiplexer.hpp"
#include "runtime/scheduler.hpp"

namespace hactor {

namespace {

/// Messages that an actor handles before others have their turn. CAF's default is no end: as many
/// actors that never run out of messages as there are workers would keep all others waiting.
constexpr size_t turn_messages_max = 4;

/// CAF's middleman, whose backend is given the transport rather than finding it in a global.
class middleman final : public caf::io::middleman {
public:
  middleman(caf::actor_system& system, transport& t)
    : caf::io::middleman(system), backend_(&system, t) {}

  caf::io::network::multiplexer& backend() override { return backend_; }

private:
  multiplexer backend_;
};

} // namespace

system_config::system_config(transport& t, const system_options& options,
                             const std::function<void(caf::actor_system_config&)>& register_types) {
  set("scheduler.max-threads", size_t{options.workers});
  set("scheduler.max-throughput", turn_messages_max);
  set("middleman.workers", size_t{0});
  set("middleman.heartbeat-interval",
      caf::timespan{std::chrono::milliseconds{options.heartbeat_interval_ms}});
  set("middleman.connection-timeout",
      caf::timespan{std::chrono::milliseconds{options.connection_timeout_ms}});
  set("logger.verbosity", caf::atom("quiet"));
  module_factories.push_back([](caf::actor_system& system) -> caf::actor_system::module* {
    return new scheduler(system);
  });
  module_factories.push_back([&t](caf::actor_system& system) -> caf::actor_system::module* {
    return new middleman(system, t);
  });
  if (register_types)
    register_types(*this);
}

} // namespace hactor
