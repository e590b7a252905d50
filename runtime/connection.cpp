// See connection.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/connection.hpp"

#include <algorithm>

#include "runtime/multiplexer.hpp"

namespace hactor {

namespace {

/// The largest message: below the int in which MPI counts, and a bound on what one copy costs.
constexpr size_t message_size_max = size_t{1} << 28;

} // namespace

connection::connection(multiplexer& m, int64_t handle, rank_t peer, uint64_t key, bool initiator,
                       uint16_t port)
  : scribe(caf::io::connection_handle::from_int(handle)),
    multiplexer_(m),
    peer_(peer),
    key_(key),
    initiator_(initiator),
    port_(port) {}

void connection::configure_read(caf::io::receive_policy::config how) {
  enroll();
  policy_ = how.first;
  read_max_ = how.second;
}

std::vector<char>& connection::wr_buf() {
  if (written_.empty())
    written_.resize(sizeof(frame));
  return written_;
}

void connection::flush() {
  enroll();
  if (written_.size() > sizeof(frame) && !dirty_) {
    dirty_ = true;
    multiplexer_.ship_later(this);
  }
}

void connection::graceful_shutdown() {
  if (!closed_) {
    connection_ptr guard{this};
    enroll();
    ship();
    closed_ = true;
    multiplexer_.forget(*this);
    multiplexer_.hang_up(*this);
  }
  detach(&multiplexer_, false);
}

std::string connection::addr() const {
  return multiplexer::host_of(peer_);
}

void connection::add_to_loop() {
  active_ = true;
  if (stashed_.empty())
    return;
  connection_ptr self{this};
  multiplexer_.post([self] {
    std::vector<char> bytes;
    bytes.swap(self->stashed_);
    self->feed(bytes.data(), bytes.size());
  });
}

void connection::ship() {
  dirty_ = false;
  if (written_.size() <= sizeof(frame))
    return;
  frame head{frame_kind::data, port_, static_cast<uint8_t>(initiator_ ? 0 : 1), 0, key_};
  auto size = written_.size() - sizeof(frame);
  wire_buffer out = multiplexer_.take_buffer();
  out.swap(written_);
  while (out.size() > message_size_max) {
    wire_buffer part(out.begin(), out.begin() + message_size_max);
    out.erase(out.begin() + sizeof(frame), out.begin() + message_size_max);
    write_frame(part, head);
    multiplexer_.send(peer_, std::move(part));
  }
  write_frame(out, head);
  multiplexer_.send(peer_, std::move(out));
  if (acknowledge_)
    data_transferred(&multiplexer_, size, 0);
}

size_t connection::feed(const char* bytes, size_t size) {
  using flag = caf::io::receive_policy_flag;
  while (size > 0 && !detached()) {
    if (!active_) {
      stashed_.insert(stashed_.end(), bytes, bytes + size);
      return 0;
    }
    size_t wanted = policy_ == flag::at_least ? read_.size() + size : read_max_;
    size_t taken = std::min(size, wanted - read_.size());
    read_.insert(read_.end(), bytes, bytes + taken);
    bytes += taken;
    size -= taken;
    if (read_.size() < (policy_ == flag::at_most ? 1 : read_max_))
      continue;
    bool more = consume(&multiplexer_, read_.data(), read_.size());
    read_.clear();
    if (!more)
      active_ = false;
  }
  return size;
}

void connection::enroll() {
  if (enrolled_)
    return;
  enrolled_ = true;
  multiplexer_.add(this);
  if (initiator_)
    multiplexer_.send_frame(peer_, frame{frame_kind::connect, port_, 0, 0, key_});
}

void connection::fail() {
  closed_ = true;
  io_failure(&multiplexer_, caf::io::network::operation::read);
}

listener::listener(multiplexer& m, int64_t handle, uint16_t port)
  : doorman(caf::io::accept_handle::from_int(handle)), multiplexer_(m), port_(port) {}

bool listener::accept(connection_ptr who) {
  arriving_ = std::move(who);
  return new_connection();
}

bool listener::new_connection() {
  if (detached() || !arriving_)
    return false;
  connection_ptr arriving;
  arriving.swap(arriving_);
  arriving->enroll();
  auto handle = arriving->hdl();
  parent()->add_scribe(std::move(arriving));
  return doorman::new_connection(&multiplexer_, handle);
}

void listener::graceful_shutdown() {
  multiplexer_.free_port(port_);
  detach(&multiplexer_, false);
}

void listener::launch() {
  add_to_loop();
}

std::string listener::addr() const {
  return multiplexer::host_of(multiplexer_.rank());
}

void listener::add_to_loop() {
  multiplexer_.listen(port_, this);
}

void listener::remove_from_loop() {
  multiplexer_.listen(port_, nullptr);
}

} // namespace hactor
