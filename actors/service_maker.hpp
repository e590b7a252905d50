// Makes services one by one and remembers them: by the order of their making, in which they are
// ended backwards, and by the names under which ping and stats know them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <caf/actor.hpp>

#include "actors/guarded.hpp"

namespace hactor {

class service_maker {
public:
  service_maker(caf::actor_system& system, service_failed failed)
    : system_{system}, failed_{std::move(failed)} {}

  template <caf::spawn_options Options = caf::no_spawn_options, class F, class... Ts>
  auto make(const char* name, F f, Ts&&... xs) {
    auto handle = make_unnamed<Options>(name, f, std::forward<Ts>(xs)...);
    named.emplace_back(name, all.back());
    return handle;
  }

  /// For those that are told to the broker in another way.
  template <caf::spawn_options Options = caf::no_spawn_options, class F, class... Ts>
  auto make_unnamed(const char* name, F f, Ts&&... xs) {
    auto handle = spawn_guarded<Options>(system_, failed_, name, f, std::forward<Ts>(xs)...);
    all.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }

  std::vector<caf::actor> all;                            // in the order of their making
  std::vector<std::pair<std::string, caf::actor>> named;

private:
  caf::actor_system& system_;
  service_failed failed_;
};

/// What a service's lines in the log begin with: "scheduler", or "scheduler[A/B]" in the nested
/// instance of that path.
inline std::string log_title(const std::string& service, const std::string& instance) {
  return instance.empty() ? service : service + "[" + instance + "]";
}

/// Ends them, last made first.
void stop_services(std::vector<caf::actor>& all);

} // namespace hactor
