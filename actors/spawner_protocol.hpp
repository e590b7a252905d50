// What broker and spawner say to each other over their socketpair: length-prefixed frames in host
// byte order (both ends are the same program), many to a write, descriptors beside them.
//
// Invariants: a frame's descriptors arrive with its first byte or earlier, in the order of the
// frames, so the receiver keeps one queue of descriptors and each frame takes its own from the
// front. Frames are padded to 8 bytes. At most `spawn_window` spawns and `spawn_window_fds`
// descriptors are unanswered at a time, which bounds the descriptors in flight.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>
#include <sys/uio.h>

#include "actors/owned_fd.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// Spawns sent and not yet answered. Enough to hide the socket's latency behind process creation
/// (0.3 ms each), few enough that a signal is never behind more than 20 ms of spawns.
inline constexpr size_t spawn_window = 64;

/// Descriptors sent and not yet answered for: what one message can carry (SCM_MAX_FD is 253).
inline constexpr size_t spawn_window_fds = 253;

/// Descriptors of one request. Two or three are usual; PMI and stdio of a task need four.
inline constexpr size_t spawn_fds_max = 64;

/// Bytes of one frame: the kernel takes 2 MiB of arguments and environment at the usual stack
/// limit of 8 MiB; the rest is for the directory, descriptors, CPUs and limits.
inline constexpr size_t spawn_frame_size_max = (2u << 20) + (256u << 10);

enum class spawner_op : uint16_t {
  spawn = 1, signal, sweep, ready,  // of the broker
  started, failed, exited, swept    // of the supervisor
};

/// Where a descriptor of the child comes from.
enum class fd_source : int32_t {
  null,      ///< /dev/null, read and write.
  passed,    ///< spawn_request::fds[value].
  inherited, ///< Descriptor `value` of the supervisor, e.g. the terminal that it was started on.
};

struct fd_mapping {
  int32_t child_fd = 0;
  fd_source source = fd_source::null;
  int32_t value = 0; ///< Index or descriptor, see fd_source.
};

/// As for setrlimit(2); RLIM_INFINITY is ~0.
struct resource_limit {
  int32_t resource = 0;
  uint64_t soft = 0;
  uint64_t hard = 0;
};

/// The process group in which a task begins. In a session of its own no task can stop for keys of a
/// terminal on which the instance was started, and the kernel, which shares the processor between
/// sessions first (sched_autogroup), gives each its part: on a node with more ranks than cores
/// those that poll do not keep the processor from those that work.
enum class spawn_group : uint32_t {
  supervisor, ///< The supervisor's.
  own,        ///< It leads one.
  session,    ///< It leads one, and a session without a terminal.
  terminal,   ///< It leads one, and a session whose terminal is descriptor 0.
  job         ///< Its job's, by HACTOR_JOB_ID_PATH in its environment.
};

/// Returns whether the task leads its group.
constexpr bool leads(spawn_group group) {
  return group != spawn_group::supervisor && group != spawn_group::job;
}

/// A process to start. The child has exactly the mapped descriptors; of 0, 1 and 2 those that are
/// not mapped are /dev/null. Signal mask and dispositions are the default ones.
struct spawn_request {
  uint64_t token = 0;             ///< The caller's name for the task; unique while it lives.
  std::vector<std::string> argv;  ///< argv[0] is searched in PATH of `environment`.
  std::string environment;        ///< "K=V\0K=V\0": all that the child gets.
  std::string cwd;                ///< "" is the supervisor's.
  std::vector<fd_mapping> fd_map; ///< In any order; child_fd distinct.
  std::vector<owned_fd> fds;      ///< Closed here once sent.
  std::vector<int32_t> cpus;      ///< OS numbers; empty is all that the supervisor may use.
  std::vector<resource_limit> limits;
  spawn_group group = spawn_group::session;
  bool kill_group_on_exit = true; ///< Kill what the task left in a group that it led.
  int32_t oom_adjust = 0;         ///< oom_score_adj; 0: the supervisor's.
  bool stop_in_exec = false;      ///< It is stopped before its program's first instruction.

  /// Makes `fd` the child's descriptor `child_fd`.
  void pass(int child_fd, owned_fd fd);
  /// Makes the supervisor's descriptor the child's.
  void inherit(int child_fd, int supervisor_fd);
  /// Appends "name=value" to the environment.
  void set_env(std::string_view name, std::string_view value);
};

/// What could not be done, when a spawn failed.
enum class spawn_step : uint32_t { fork, group, limit, cpus, fd, cwd, command, request, stop, oom };

/// Returns the step's name, e.g. "command".
std::string_view to_string(spawn_step step);

/// What the kernel counted for a task and the children it waited for. maxrss has the supervisor's
/// own few MB as its floor, since the child begins in the supervisor's memory.
struct task_usage {
  int64_t maxrss_kb = 0;
  int64_t utime_us = 0;
  int64_t stime_us = 0;
  int64_t read_kb = 0, written_kb = 0; // on disks
};

struct frame_header {
  uint32_t size = 0; ///< Bytes with this header and the padding.
  spawner_op op{};
  uint16_t fd_count = 0;
  uint64_t token = 0;
};
static_assert(sizeof(frame_header) == 16);

struct spawn_head { // followed by fd maps, limits, cpus, then cwd, argv, environment as C strings
  spawn_group group{};
  uint32_t kill_group = 0;
  uint32_t stop_in_exec = 0;
  int32_t oom_adjust = 0;
  uint32_t fd_map_count = 0;
  uint32_t limit_count = 0;
  uint32_t cpu_count = 0;
  uint32_t arg_count = 0;
};

struct signal_body {
  int32_t signo = 0;
  uint32_t whole_group = 0;
};

/// Of the broker: it has met the others; from here on its loss is one that they survive.
struct ready_body {
  uint64_t reserved = 0;
};

struct sweep_body {
  uint64_t grace_ms = 0;
};

struct started_body {
  int64_t pid = 0;
};

struct failed_body {
  int32_t errno_value = 0;
  spawn_step step{};
};

struct exited_body {
  int64_t wait_status = 0;
  task_usage usage;
};

struct swept_body {
  uint64_t left = 0;
};

/// A spawn frame read in place: the pointers point into the frame. Reused from frame to frame.
struct spawn_view {
  spawn_head head;
  std::vector<fd_mapping> fd_map;
  std::vector<resource_limit> limits;
  std::vector<int32_t> cpus;
  char* cwd = nullptr;
  std::vector<char*> argv; ///< Ends with nullptr.
  std::vector<char*> envp; ///< Ends with nullptr.
};

/// Writes the request as a frame (its descriptors stay where they are). Errors: ec::bad_argument
/// (no argv, a NUL inside a string, a bad descriptor mapping), ec::too_big.
caf::expected<std::string> encode_spawn(const spawn_request& request);

/// Reads a spawn frame of `size` bytes. Errors: ec::bad_argument.
caf::error decode_spawn(char* frame, size_t size, spawn_view& out);

/// Appends a frame with a fixed body to `out`.
void append_frame(std::string& out, spawner_op op, uint64_t token, const void* body, size_t size);

template <class Body>
void append_frame(std::string& out, spawner_op op, uint64_t token, const Body& body) {
  append_frame(out, op, token, &body, sizeof body);
}

/// Copies the fixed body of a frame. Returns false if the frame is too short for it.
bool read_body(const char* frame, size_t frame_size, void* body, size_t size);

template <class Body>
bool read_body(const char* frame, size_t frame_size, Body& body) {
  return read_body(frame, frame_size, &body, sizeof body);
}

/// The outcome of one non-blocking transfer.
enum class transfer : uint8_t { done, blocked, closed };

/// Receives bytes and descriptors and cuts them into frames.
class frame_reader {
public:
  /// Reads once, about 64 KiB and what the frame at hand still needs. `closed` at the end of the
  /// stream, on an error, and when a descriptor or the framing was lost.
  transfer receive(int socket);

  /// Returns the next complete frame, nullptr if there is none. Valid until the next receive().
  /// Sets `header` and puts the frame's descriptors into `fds`.
  char* next(frame_header& header, std::vector<owned_fd>& fds);

  /// True if the stream has broken the protocol; nothing more comes from it.
  bool broken() const { return broken_; }

private:
  void make_room();

  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::deque<owned_fd> fds_;
  bool broken_ = false;
};

/// Sends the pieces with `fds` on their first byte, without blocking and without SIGPIPE. `sent` is
/// the number of bytes taken, which is at least 1 if the descriptors went.
transfer send_frames(int socket, const std::vector<iovec>& pieces, const std::vector<int>& fds,
                     size_t& sent);

} // namespace hactor
