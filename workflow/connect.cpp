// Instances of programs that are not brokers: connect(), and what errors say; see workflow.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <climits>

#include <unistd.h>

#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

#include "runtime/poller_thread.hpp"
#include "workflow/client.hpp"
#include "workflow/instance.hpp"

namespace hactor::workflow {

caf::expected<instance_actor> connect(caf::actor_system& system, std::string_view uri,
                                      connect_options options) {
  auto where = uri.empty() ? own_uri() : caf::expected<std::string>{std::string{uri}};
  if (!where)
    return std::move(where.error());
  // Who connects to nobody hears of it here, not by his first request.
  auto probe = connect_socket(*where);
  if (!probe)
    return std::move(probe.error());
  ::close(*probe);
  auto thread = poller_thread::start();
  if (!thread)
    return std::move(thread.error());
  char folder[PATH_MAX];
  instance_setup setup;
  setup.dial = [uri = *where] { return connect_socket(uri); };
  setup.sockets = &(*thread)->sockets();
  setup.keep = std::move(*thread);
  setup.reconnect_s = options.reconnect_s;
  setup.environment = read_environment(environ);
  // A job that needs it is refused when it was removed.
  setup.cwd = ::getcwd(folder, sizeof folder) != nullptr && folder[0] == '/' ? folder : "";
  return instance_actor{system.spawn(instance_service, std::move(setup))};
}

std::string error_name(const caf::error& e) {
  if (e == caf::sec::request_timeout)
    return to_string(ec::timed_out);
  if (e == caf::sec::request_receiver_down || e.category() == caf::atom("exit"))
    return to_string(ec::disconnected);
  return to_string(code_of(e));
}

std::string error_text(const caf::error& e) { return render(e); }

} // namespace hactor::workflow
