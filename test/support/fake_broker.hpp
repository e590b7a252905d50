// A broker by script: reads the client protocol's frames on a thread of its own and lets the test
// answer each. Over a socketpair, or at a path that HACTOR_URI names.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/json.hpp"
#include "temp_dir.hpp"
#include "workflow/frame.hpp"

#include <sys/un.h>

namespace hactor::test {

class fake_broker {
public:
  using frame = workflow::frame;
  using frame_kind = workflow::frame_kind;
  /// Is called on the broker's thread for each frame that comes.
  using script = std::function<void(fake_broker&, const frame&)>;

  /// Over a socketpair: client_fd() is the other end.
  explicit fake_broker(script what) : script_(std::move(what)) {
    int pair[2];
    HACTOR_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    client_fd_ = pair[0];
    thread_ = std::thread{[this, fd = pair[1]] { serve(fd); }};
  }

  /// At a path: serves one client after the other until stop().
  fake_broker(script what, const temp_dir& dir) : script_(std::move(what)), uri_(dir / "broker") {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    uri_.copy(address.sun_path, sizeof address.sun_path - 1);
    listen_fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    HACTOR_CHECK(bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0
                 && listen(listen_fd_, 8) == 0);
    uri_ = "local://" + uri_;
    thread_ = std::thread{[this] {
      for (int fd; (fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;)
        serve(fd);
    }};
  }
  ~fake_broker() { stop(); }

  /// Ends once the client has gone; what it sent can be looked at then.
  const std::vector<std::pair<std::string, json>>& stop() {
    if (listen_fd_ >= 0)
      shutdown(listen_fd_, SHUT_RDWR);
    if (thread_.joinable())
      thread_.join();
    if (listen_fd_ >= 0)
      close(std::exchange(listen_fd_, -1));
    return requests;
  }

  int client_fd() const { return client_fd_; }
  const std::string& uri() const { return uri_; }

  // -- for the script ---------------------------------------------------------------------------

  void send(frame_kind kind, uint64_t tag, std::string_view payload) {
    std::string out;
    workflow::append_frame(out, kind, tag, payload);
    raw(out);
  }
  void reply(uint64_t tag, const json& result) { send(frame_kind::reply, tag, dump(result)); }
  void refuse(uint64_t tag, const char* code, const char* message) {
    send(frame_kind::error, tag, dump(json{{"code", code}, {"message", message}}));
  }
  void output(uint64_t tag, uint32_t task, uint8_t stream, std::string_view bytes) {
    send(frame_kind::output, tag, workflow::write_output(task, stream, bytes));
  }
  void event(uint64_t tag, const char* name, const json& context) {
    send(frame_kind::item, tag, dump(json{{"event", {{"name", name}, {"context", context}}}}));
  }
  void raw(std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  void hang_up() { shutdown(fd_, SHUT_RDWR); }

  /// Method and parameters of each request, and "input" or "cancel" frames as such. To be read by
  /// the script, or after stop().
  std::vector<std::pair<std::string, json>> requests;

private:
  void serve(int fd) {
    fd_ = fd;
    workflow::frame_decoder decoder;
    char buffer[16 << 10];
    for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) {
      decoder.feed({buffer, static_cast<size_t>(n)});
      while (true) {
        auto f = decoder.next();
        HACTOR_CHECK(static_cast<bool>(f)); // the client writes only what it reads itself
        if (!*f)
          break;
        note(**f);
        script_(*this, **f);
      }
    }
    close(fd);
  }

  void note(const frame& f) {
    if (f.kind == frame_kind::request) {
      auto text = parse_json(f.payload);
      HACTOR_CHECK(static_cast<bool>(text));
      requests.emplace_back((*text)["method"].get<std::string>(), (*text)["params"]);
    } else {
      requests.emplace_back(f.kind == frame_kind::input ? "input" : "cancel",
                            f.payload.size() > 4 ? f.payload.substr(4) : "");
    }
  }

  script script_;
  std::string uri_;
  int client_fd_ = -1;
  int listen_fd_ = -1;
  int fd_ = -1;
  std::thread thread_;
};

} // namespace hactor::test
