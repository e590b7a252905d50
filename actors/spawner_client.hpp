// The broker's end of the spawner: queues requests, sends them in batches, reads replies.
//
// Any thread may call spawn, signal, sweep, kill_all and the queries. One thread at a time polls
// fd() and calls on_readable and on_writable; the listener is called on that thread (write_blocked:
// on the thread that met the full socket). No call blocks: what the socket does not take waits
// here, and beyond `spawn_window` unanswered spawns the rest waits here too, so that signals
// overtake it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <sys/types.h>

#include "actors/spawner_protocol.hpp"

namespace hactor {

/// What the spawner tells. For each accepted spawn: `failed`, or `started` and later `exited`;
/// after `lost` nothing more. The calls may call back into the client, but not on_readable.
struct spawner_listener {
  virtual ~spawner_listener() = default;
  virtual void started(uint64_t token, pid_t pid) = 0;
  /// No process was made. For spawn_step::command ENOENT is the shell's 127, the rest its 126.
  virtual void failed(uint64_t token, spawn_step step, int errno_value) = 0;
  /// `wait_status` is for WIFEXITED and its kin. The token may be used again from here on.
  virtual void exited(uint64_t token, int wait_status, const task_usage& usage) = 0;
  /// The sweep is over; `left` processes would not die.
  virtual void swept(uint64_t left) = 0;
  /// The supervisor has gone and its tasks with it: call kill_all() and leave. Comes once.
  virtual void lost() = 0;
  /// The socket is full: poll fd() for writing until wants_write() is false. May come from any
  /// thread that calls spawn, signal or sweep.
  virtual void write_blocked() = 0;
};

class spawner_client {
public:
  /// Takes over the descriptor that run_supervisor gave to broker_main.
  spawner_client(int fd, spawner_listener& listener);

  /// Ends the bond by which the broker dies with its supervisor: from now on the caller polls fd()
  /// and leaves when told `lost`, having killed the tasks' groups. Call it on the thread that ran
  /// broker_main.
  static void watch();

  /// Queues a spawn. Errors: ec::bad_argument (no command, NUL bytes, bad mapping, token in use),
  /// ec::too_big, ec::disconnected. After an error the listener hears nothing of it.
  caf::error spawn(spawn_request request);

  /// Queues many spawns in one go; returns one error for each request, by index.
  std::vector<caf::error> spawn(std::vector<spawn_request> requests);

  /// Sends a signal to the task, or to all of its group if it leads one. A signal to a task that
  /// has not started yet follows its spawn; to one that has ended it is dropped.
  /// Errors: ec::bad_argument (no such signal), ec::disconnected.
  caf::error signal(uint64_t token, int signo, bool whole_group = true);

  /// Ends all that the supervisor has made, but the broker and its children: SIGTERM, after
  /// `grace_ms` SIGKILL. Spawns sent earlier are included, later ones may be.
  /// Errors: ec::disconnected.
  caf::error sweep(int64_t grace_ms);

  /// Tells the supervisor that this broker and the others know each other: from here on they
  /// survive its loss. Errors: ec::disconnected.
  caf::error ready();

  int fd() const { return socket_.get(); }

  /// Reads all replies that are there and tells the listener, in order.
  void on_readable();

  /// True while the socket is full and on_writable() is wanted.
  bool wants_write() const { return blocked_.load(std::memory_order_acquire); }
  void on_writable();

  /// Pids of the tasks that have started and not exited, in no order.
  std::vector<pid_t> live_pids() const;

  /// Spawns accepted, and neither failed nor exited.
  size_t task_count() const;

  /// Kills the groups of all live tasks from here, without the spawner. For when it is lost: while
  /// it lives, only it can tell that a pid still is the task's.
  void kill_all() const;

private:
  enum class stage : uint8_t { queued, sent, live };
  struct task {
    stage at = stage::queued;
    bool own_group = true;
    uint16_t fd_count = 0;
    pid_t pid = 0;
  };
  struct frame {
    std::string bytes;
    std::vector<owned_fd> fds;
    uint64_t token = 0;
    bool is_spawn = false;
  };

  caf::error enqueue_spawn(spawn_request& request);
  caf::error accept(frame&& f, bool own_group);
  caf::error send(frame&& f);
  void take_frames();
  void flush();
  bool send_once(std::unique_lock<std::mutex>& lock);
  void on_reply(const frame_header& header, const char* body);
  void on_started(const frame_header& header, const char* body);
  void on_failed(const frame_header& header, const char* body);
  void on_exited(const frame_header& header, const char* body);
  void answered(const task& t);
  void lose();

  owned_fd socket_;
  spawner_listener& listener_;
  const size_t window_fds_; // at most spawn_window_fds
  frame_reader reader_; // of the polling thread

  mutable std::mutex mutex_; // guards what follows
  std::unordered_map<uint64_t, task> tasks_;
  std::deque<frame> urgent_;  // goes first
  std::deque<frame> waiting_; // spawns, and what must stay behind them
  std::deque<frame> sending_; // the first may be sent in part
  size_t sending_offset_ = 0;
  size_t sending_size_ = 0;
  size_t unanswered_ = 0;
  size_t unanswered_fds_ = 0;
  bool writing_ = false; // a thread is in sendmsg, without the lock
  bool lost_ = false;
  bool told_lost_ = false;
  std::atomic<bool> blocked_{false};
};

} // namespace hactor
