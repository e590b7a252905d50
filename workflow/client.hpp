// A connection to a broker: a plain Unix socket, one thread, requests and answers by tag. Used by
// every command of tools/; what loops over several sources (attach) polls fd() and uses the _now
// calls. What actors of users have instead is instance.hpp, which shares the functions below.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>

#include "runtime/json.hpp"
#include "workflow/frame.hpp"

namespace hactor::workflow {

class client {
public:
  client() = default;
  client(client&& other) noexcept;
  client& operator=(client&& other) noexcept;
  ~client();

  /// Connects to the instance named by HACTOR_URI. Errors: ec::no_instance.
  static caf::expected<client> connect();

  /// Errors: as connect_socket.
  static caf::expected<client> connect(std::string_view uri);

  /// Speaks over a connected socket, which it owns from here on.
  explicit client(int fd) : fd_(fd) {}

  /// Queues a request and returns its tag. Nothing is sent before flush, receive or ask.
  /// A request that is too large is answered by ec::too_big from the next receive.
  uint64_t request(std::string_view method, const json& params);

  /// The same with the parameters as text. Requires: they are a JSON object.
  uint64_t request_text(std::string_view method, std::string_view params);

  void cancel(uint64_t tag) { append_frame(out_, frame_kind::cancel, tag, {}); }
  void input(uint64_t tag, std::string_view bytes, uint32_t task = all_tasks);
  void window(uint64_t tag, uint16_t rows, uint16_t columns);

  /// Sends all that is queued. Errors: ec::disconnected.
  caf::error flush();

  /// Sends what the socket takes without waiting. Errors: ec::disconnected.
  caf::error flush_now();

  /// Waits for the next frame of any request, sending what is queued first. `timeout_s` <= 0 waits
  /// for ever. Errors: ec::timed_out, ec::disconnected, ec::bad_json, ec::too_big.
  caf::expected<frame> receive(double timeout_s = 0);

  /// The next frame that is already here, if any; reads the socket at most once without waiting.
  caf::expected<std::optional<frame>> receive_now();

  /// Sends a request and waits for its end; frames before it go to `on_frame`.
  /// Errors: those of receive, and the broker's own by its code and message.
  caf::expected<json> ask(std::string_view method, const json& params, double timeout_s = 60,
                          const std::function<void(const frame&)>& on_frame = {});

  /// From here on receive() also ends when nobody reads standard output any more, if that is a pipe
  /// or a socket: what is followed may be silent for hours. Errors then: ec::disconnected.
  void watch_output();
  bool output_closed() const { return output_closed_; }

  int fd() const { return fd_; }
  size_t unsent() const { return out_.size() - sent_; }

private:
  caf::error fill(int flags);
  caf::error wait_readable(int timeout_ms);

  int fd_ = -1;
  int output_ = -1; // the descriptor that is watched
  bool output_closed_ = false;
  uint64_t last_tag_ = 0;
  std::string out_;
  size_t sent_ = 0; // of out_
  std::string too_big_; // method of a request beyond the bound
  frame_decoder in_;
};

/// The value of HACTOR_URI. Errors: ec::no_instance.
caf::expected<std::string> own_uri();

/// A blocking socket, connected to what address.hpp describes; the caller closes it. Over TCP both
/// sides have proved by then who they are, through ssh the other machine has answered; that takes
/// seconds at most, save that ssh may ask for a password. Errors: ec::no_instance (nobody listens),
/// ec::bad_argument (another scheme, a path too long for a socket), ec::not_permitted (another
/// token, or one that others may read), ec::unknown_key (no token), ec::system_failed.
caf::expected<int> connect_socket(std::string_view uri);

/// The payload of a request; `params` is JSON.
std::string request_text(std::string_view method, std::string_view params);

/// Standard output if it is a pipe or a socket, whose other end can go away; else -1.
int output_with_reader();

/// The result of a frame that ends a request: its object, or the error that it carries.
/// Requires: kind reply or error.
caf::expected<json> result_of(const frame& f);

/// Reads an object. Errors: ec::bad_json.
caf::expected<json> parse_object(std::string_view text);

/// Typed reads with a default for absent keys and other types: what the broker sends is checked,
/// never trusted to have a shape.
std::string text_at(const json& object, const char* key, std::string_view otherwise = {});
double number_at(const json& object, const char* key, double otherwise = 0);
const json& object_at(const json& object, const char* key); ///< null if absent

} // namespace hactor::workflow
