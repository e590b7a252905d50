// Frames over a connected stream socket: what local clients and the spawner speak. A frame is a
// little-endian u32 size of the payload, a u8 kind and a u64 tag, and then the payload.
//
// Send from any thread; the callbacks run on the transport thread, one at a time. Who is slower
// than its peer says so: queued_bytes() for the sender, pause_reading() for the receiver.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "runtime/poller.hpp"

namespace hactor {

/// The bytes before a payload, and the largest payload: a bound on what one client can make us
/// hold.
inline constexpr size_t frame_header_size = 13;
inline constexpr size_t frame_payload_size_max = size_t{64} << 20;

class stream_socket final : public poller::handler,
                            public std::enable_shared_from_this<stream_socket> {
public:
  struct callbacks {
    /// A whole frame has arrived.
    std::function<void(uint8_t kind, uint64_t tag, std::string payload)> on_frame;
    /// The peer has gone (ec::disconnected), or broke the protocol (ec::too_big). Once, and the
    /// last call; not after our own close() or finish().
    std::function<void(const caf::error& why)> on_closed;
    /// A peer that was behind has taken what was queued. Once for each time that is_behind() said
    /// so, however often it was asked.
    std::function<void()> on_drained;
    /// The peer has gone while reading is paused: what it sent, and on_closed, come when reading
    /// goes on. Once in a pause.
    std::function<void()> on_hung_up;
  };

  /// Takes over a connected stream socket. Nothing is read before start().
  static std::shared_ptr<stream_socket> make(poller& p, int fd, callbacks what);
  ~stream_socket() override;

  /// Begins to read. From any thread. Errors: ec::system_failed.
  caf::expected<void> start();

  /// Sends a frame: writes at once as much as the socket takes, and queues the rest. False: closed.
  /// Requires: payload.size() <= frame_payload_size_max.
  bool send(uint8_t kind, uint64_t tag, std::string_view payload);

  /// What send() has queued and the socket has not taken yet.
  size_t queued_bytes() const { return queued_.load(std::memory_order_relaxed); }

  /// True when more than `bytes` are queued: the caller should send nothing more until on_drained,
  /// which comes when half of that is left. From any thread.
  bool is_behind(size_t bytes);

  /// Stops and resumes the calls of on_frame. From any thread; a frame that is being handed over
  /// meanwhile still comes.
  void pause_reading();
  void resume_reading();

  /// Closes at once, dropping what is queued; finish() closes once all is sent. From any thread.
  void close();
  void finish();

  bool is_closed() const { return closed_.load(std::memory_order_acquire); }

  void on_ready(uint32_t events) override;

private:
  struct frame {
    uint8_t kind = 0;
    uint64_t tag = 0;
    std::string payload;
    size_t size = 0, got = 0; // of the payload, while it is being read; it grows as bytes come
  };

  stream_socket(poller& p, int fd, callbacks what);
  bool is_within_large() const { return large_.got < large_.size; }
  bool write_now(const char* header, std::string_view payload);
  void drain();
  void read_some();
  void parse();
  ssize_t receive(size_t& room);
  bool hand_over_next();
  void update_interest();
  void go_on();
  bool is_paused();
  void end(const caf::error& why, bool tell);

  poller& poller_;
  int fd_;
  callbacks callbacks_;

  std::mutex mutex_; // guards what follows, up to the blank line
  std::string out_;
  size_t out_begin_ = 0;
  bool watched_ = false;
  bool paused_ = false;
  bool hung_up_ = false; // seen while paused; unwatched until reading goes on
  bool finishing_ = false;
  bool behind_ = false;      // on_drained is owed ...
  size_t drained_bytes_ = 0; // ... when no more than this is queued
  uint32_t interest_ = 0;

  std::atomic<size_t> queued_{0};
  std::atomic<bool> closed_{false};
  std::string in_; // transport thread only
  size_t in_begin_ = 0;
  bool parsing_ = false;
  frame large_; // that is being read; size 0: none
};

} // namespace hactor
