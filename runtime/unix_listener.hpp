// A listening Unix socket on the poller. Who connects is known by the kernel's word: the
// credentials that come with each accepted socket.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "runtime/accept_loop.hpp"
#include "runtime/poller.hpp"

namespace hactor {

/// Who is at the other end of a Unix socket.
struct peer_credentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Asks the kernel who connected. Errors: ec::system_failed.
caf::expected<peer_credentials> credentials_of(int fd);

/// Connects to a listening Unix socket (blocking; the result is close-on-exec). Errors:
/// ec::bad_argument (the path is too long), ec::disconnected (nobody listens there).
caf::expected<int> connect_unix(const std::string& path);

class unix_listener final : public poller::handler {
public:
  /// Is called on the transport thread, and owns the descriptor from then on.
  using accepted = std::function<void(int fd, peer_credentials who)>;

  /// Listens at `path`, mode 0600; the caller has made its folder, mode 0700. The socket that a
  /// killed process left there is replaced. Errors: ec::bad_argument (the path is too long),
  /// ec::busy (somebody listens there, or it is no socket), ec::system_failed.
  static caf::expected<std::shared_ptr<unix_listener>> make(poller& p, const std::string& path,
                                                            accepted what);
  ~unix_listener() override;

  /// Stops listening and removes the path. From the transport thread, or when that has ended.
  void close();

  const std::string& path() const { return path_; }
  void on_ready(uint32_t events) override;

private:
  unix_listener(poller& p, int fd, std::string path, accepted what);

  poller& poller_;
  int fd_;
  accept_loop loop_;
  std::string path_;
  accepted accepted_;
};

} // namespace hactor
