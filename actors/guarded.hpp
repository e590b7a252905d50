// Services that say when they die. An exception that leaves a handler is a broken invariant: CAF
// would end that one actor, and all who ask it would be told that it is down, for good. Caller:
// whoever makes the services of a rank.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <tuple>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/sec.hpp>
#include <caf/spawn_options.hpp>

namespace hactor {

/// Told on the dying actor's thread, once: which service, and what was thrown.
using service_failed = std::function<void(const std::string& name, const std::string& what)>;

/// What an exception says of itself.
inline std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "not a std::exception";
  }
}

/// Spawns a service function with its arguments; when it throws, at the start or later, `failed` is
/// told.
template <caf::spawn_options Options = caf::no_spawn_options, class Behavior, class Self,
          class... Params, class... Ts>
auto spawn_guarded(caf::actor_system& system, service_failed failed, std::string name,
                   Behavior (*service)(Self, Params...), Ts&&... xs) {
  std::tuple<std::decay_t<Params>...> args{std::forward<Ts>(xs)...};
  return system.spawn<Options>([failed = std::move(failed), name = std::move(name), service,
                                args = std::move(args)](Self self) mutable -> Behavior {
    self->set_exception_handler([failed, name](std::exception_ptr& thrown) -> caf::error {
      failed(name, text_of(thrown));
      return caf::sec::runtime_error;
    });
    return std::apply([&](auto&... all) { return service(self, std::move(all)...); }, args);
  });
}

} // namespace hactor
