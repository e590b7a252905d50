// See client.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/client.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/clock.hpp"
#include "runtime/duration.hpp"

namespace hactor::workflow {

namespace {

caf::error gone(int errno_value = 0) {
  std::string text = "the instance closed the connection before it answered (it has ended or its "
                     "broker died)";
  if (errno_value != 0)
    text += std::string{": "} + std::strerror(errno_value);
  return make_error(ec::disconnected, text);
}

ec code_from(std::string_view name) {
  for (int i = 0; i < static_cast<int>(ec::code_count); ++i)
    if (to_string(static_cast<ec>(i)) == name)
      return static_cast<ec>(i);
  return ec::system_failed;
}

} // namespace

client::client(client&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)),
    output_(other.output_),
    output_closed_(other.output_closed_),
    last_tag_(other.last_tag_),
    out_(std::move(other.out_)),
    sent_(std::exchange(other.sent_, 0)),
    too_big_(std::move(other.too_big_)),
    in_(std::move(other.in_)) {}

client& client::operator=(client&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(output_, other.output_);
  std::swap(output_closed_, other.output_closed_);
  std::swap(last_tag_, other.last_tag_);
  std::swap(out_, other.out_);
  std::swap(sent_, other.sent_);
  std::swap(too_big_, other.too_big_);
  std::swap(in_, other.in_);
  return *this;
}

client::~client() {
  if (fd_ >= 0)
    ::close(fd_);
}

caf::expected<client> client::connect() {
  auto uri = own_uri();
  if (!uri)
    return std::move(uri.error());
  return connect(*uri);
}

caf::expected<client> client::connect(std::string_view uri) {
  auto fd = connect_socket(uri);
  if (!fd)
    return std::move(fd.error());
  return client{*fd};
}

caf::expected<std::string> own_uri() {
  auto* uri = std::getenv("HACTOR_URI");
  if (!uri || !*uri)
    return make_error(ec::no_instance, "no instance: HACTOR_URI is not set; start one with 'hactor "
                                       "start', or set HACTOR_URI to that of a running one");
  return std::string{uri};
}

std::string request_text(std::string_view method, std::string_view params) {
  std::string text = "{\"method\":";
  append_json_string(text, method);
  text.append(",\"params\":").append(params).append("}");
  return text;
}

uint64_t client::request(std::string_view method, const json& params) {
  return request_text(method, dump(params));
}

uint64_t client::request_text(std::string_view method, std::string_view params) {
  auto tag = ++last_tag_;
  auto text = workflow::request_text(method, params);
  if (text.size() > frame_payload_size_max)
    too_big_ = method;
  else
    append_frame(out_, frame_kind::request, tag, text);
  return tag;
}

void client::window(uint64_t tag, uint16_t rows, uint16_t columns) {
  append_frame(out_, frame_kind::window, tag, write_window(rows, columns));
}

void client::input(uint64_t tag, std::string_view bytes, uint32_t task) {
  append_frame(out_, frame_kind::input, tag, write_input(task, bytes));
}

caf::error client::flush_now() {
  while (sent_ < out_.size()) {
    auto n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno != EAGAIN)
      return gone(errno);
    if (n < 0)
      break;
    sent_ += static_cast<size_t>(n);
  }
  if (sent_ * 2 >= out_.size()) { // not at each step: what is left is moved
    out_.erase(0, sent_);
    sent_ = 0;
  }
  return {};
}

caf::error client::flush() {
  if (!too_big_.empty())
    return make_error(ec::too_big, "the request '" + std::exchange(too_big_, {})
                                       + "' is larger than "
                                       + std::to_string(frame_payload_size_max) + " bytes");
  while (true) {
    if (auto e = flush_now())
      return e;
    if (out_.empty())
      return {};
    // A broker that is itself waiting to send to us must be read from, or both wait for ever.
    pollfd p{fd_, POLLOUT | POLLIN, 0};
    if (::poll(&p, 1, -1) < 0 && errno != EINTR)
      return make_errno_error(ec::system_failed, "poll", errno);
    if ((p.revents & POLLIN) != 0)
      if (auto e = fill(MSG_DONTWAIT))
        return e;
  }
}

caf::error client::fill(int flags) {
  char buffer[64 << 10];
  auto n = ::recv(fd_, buffer, sizeof(buffer), flags);
  if (n > 0)
    in_.feed({buffer, static_cast<size_t>(n)});
  else if (n == 0)
    return gone();
  else if (errno != EINTR && errno != EAGAIN)
    return gone(errno);
  return {};
}

int output_with_reader() {
  struct stat info {};
  return ::fstat(1, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)) ? 1 : -1;
}

void client::watch_output() { output_ = output_with_reader(); }

/// Waits for the socket, or the end of who reads our output. Errors: ec::timed_out,
/// ec::disconnected.
caf::error client::wait_readable(int timeout_ms) {
  pollfd fds[] = {{fd_, POLLIN, 0}, {output_, 0, 0}};
  auto ready = ::poll(fds, 2, timeout_ms);
  if (ready == 0)
    return make_error(ec::timed_out);
  if (ready > 0 && (fds[1].revents & (POLLERR | POLLHUP)) != 0) {
    output_closed_ = true;
    return make_error(ec::disconnected, "nobody reads standard output any more");
  }
  return {};
}

caf::expected<frame> client::receive(double timeout_s) {
  if (auto e = flush())
    return e;
  auto deadline = moment_after(steady_ns(), std::max(timeout_s, 0.0));
  while (true) {
    auto f = in_.next();
    if (!f)
      return std::move(f.error());
    if (*f)
      return std::move(**f);
    if (timeout_s > 0 || output_ >= 0) {
      auto left_ms = std::clamp<int64_t>((deadline - steady_ns()) / 1'000'000 + 1, 0, INT_MAX);
      auto e = wait_readable(timeout_s <= 0 ? -1 : static_cast<int>(left_ms));
      if (e && code_of(e) == ec::timed_out && steady_ns() < deadline)
        continue; // longer than one poll(2) waits
      if (e && code_of(e) == ec::timed_out)
        return make_error(ec::timed_out, "the instance did not answer within "
                                             + std::to_string(static_cast<int64_t>(timeout_s))
                                             + " s");
      if (e)
        return e;
    }
    if (auto e = fill(timeout_s > 0 || output_ >= 0 ? MSG_DONTWAIT : 0))
      return e;
  }
}

caf::expected<std::optional<frame>> client::receive_now() {
  auto f = in_.next();
  if (!f || *f)
    return f;
  if (auto e = fill(MSG_DONTWAIT))
    return e;
  return in_.next();
}

caf::expected<json> client::ask(std::string_view method, const json& params, double timeout_s,
                                const std::function<void(const frame&)>& on_frame) {
  auto tag = request(method, params);
  while (true) {
    auto f = receive(timeout_s);
    if (!f)
      return std::move(f.error());
    if (f->tag != tag)
      continue;
    if (f->kind == frame_kind::reply || f->kind == frame_kind::error)
      return result_of(*f);
    if (on_frame)
      on_frame(*f);
  }
}

caf::expected<json> result_of(const frame& f) {
  auto object = parse_object(f.payload);
  if (!object || f.kind == frame_kind::reply)
    return object;
  auto message = text_at(*object, "message");
  auto code = text_at(*object, "code");
  return make_error(code_from(code), message.empty() ? "the instance refused: " + code : message);
}

caf::expected<json> parse_object(std::string_view text) {
  auto value = parse_json(text);
  if (!value || !value->is_object())
    return make_error(ec::bad_json,
                      "the instance answered with something that is not a JSON object");
  return value;
}

std::string text_at(const json& object, const char* key, std::string_view otherwise) {
  auto i = object.find(key);
  return i != object.end() && i->is_string() ? i->get<std::string>() : std::string{otherwise};
}

double number_at(const json& object, const char* key, double otherwise) {
  auto i = object.find(key);
  return i != object.end() && i->is_number() ? i->get<double>() : otherwise;
}

const json& object_at(const json& object, const char* key) {
  static const json null;
  auto i = object.find(key);
  return i != object.end() ? *i : null;
}

} // namespace hactor::workflow
