// The wire: bytes between the ranks of one instance. It is the seam below the multiplexer and the
// only thing that an MPI module, or the TCP backend, implements; everything above it is the same.
// A module is loaded with dlopen, so this header holds no code that a module would have to link:
// errors are plain text here and become ec::mpi_failed in wire.cpp.
//
// Threads: the constructor and allgather on main, before the transport thread starts; then every
// call on the transport thread; close() on main again, after that thread has ended.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

/// The bytes of one message. Messages of one pair of ranks arrive in the order of their sending.
using wire_buffer = std::vector<char>;

/// A message as received: who sent it, and what.
struct wire_message {
  uint32_t peer = 0;
  wire_buffer bytes;
};

/// Bytes between ranks 0..size-1. A rank never sends to itself.
class wire {
public:
  wire() = default;
  wire(const wire&) = delete;
  wire& operator=(const wire&) = delete;
  virtual ~wire() = default;

  virtual uint32_t rank() const = 0;
  virtual uint32_t size() const = 0;

  /// The module's name, e.g. "mpich"; "none" for an instance of size 1.
  virtual std::string_view name() const = 0;

  /// Gathers every rank's blob into `all`, by rank. Collective and blocking: all ranks call it
  /// equally often. Returns the text of the error, "" when there was none.
  virtual std::string allgather(const std::string& mine, std::vector<std::string>& all) = 0;

  /// Sends without blocking; the wire keeps the buffer until it is on its way. False: MPI refused.
  virtual bool send(uint32_t peer, wire_buffer bytes) = 0;

  /// As send, but stays pending until the peer has received this and all that was sent before.
  virtual bool send_synchronously(uint32_t peer, wire_buffer bytes) = 0;

  /// Takes the next message that has arrived whole. False: there is none now.
  virtual bool try_receive(wire_message& out) = 0;

  /// Pushes pending transfers on. False: MPI reported an error, which last_error() tells.
  virtual bool progress() = 0;

  /// True while a transfer needs progress() or try_receive() to be called soon.
  virtual bool has_pending() const = 0;

  /// Forgets all transfers with a peer that has died; nothing is sent to it any more.
  virtual void abandon(uint32_t peer) = 0;

  /// Starts a barrier of all ranks, which passes while messages are still being received.
  virtual bool barrier_begin() = 0;
  virtual bool barrier_done() = 0;

  /// Ends MPI. Requires: every rank does so, after the barrier; otherwise leave with _exit.
  virtual void close() = 0;

  /// A buffer to fill, perhaps with memory of an earlier one; and its way back.
  virtual wire_buffer take_buffer() = 0;
  virtual void give_buffer(wire_buffer bytes) = 0;

  virtual std::string last_error() const = 0;

  /// A descriptor that is readable when try_receive or progress have something to do, so that
  /// nobody needs to look before. -1: there is none, and peers elsewhere have to be polled for.
  virtual int wake_fd() const { return -1; }

  /// Sets who is told, from try_receive, of a peer whose end the wire itself has noticed, and by
  /// what; after all that it sent. A wire that notices nothing never calls.
  virtual void on_peer_lost(std::function<void(uint32_t peer, const std::string& why)>) {}
};

/// What a failure of a wire is called.
inline ec failure_code(const wire& w) {
  return w.name() == "tcp" ? ec::network_failed : ec::mpi_failed;
}

/// Raised with every change of `wire`, so that a module of another build is refused.
inline constexpr uint32_t wire_abi = 2;

/// The one entry point of a module: starts MPI and returns the wire, or writes why not and returns
/// nullptr. C linkage under the name `hactor_wire_open`.
using wire_open_function = wire* (*)(uint32_t abi, char* error, size_t error_size);
inline constexpr const char* wire_open_symbol = "hactor_wire_open";

/// Makes the wire of an instance of size 1: nothing to send to, nothing arrives.
std::unique_ptr<wire> make_null_wire();

/// Loads the module at `path` and starts its MPI; the module stays loaded until the process ends.
/// Errors: ec::launcher_missing (cannot be loaded, or is of another build), ec::mpi_failed.
caf::expected<std::unique_ptr<wire>> load_wire(const std::string& path);

} // namespace hactor
