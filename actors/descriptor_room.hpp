// Which jobs may start tasks now, as far as the broker's file descriptors go: each task has pipes
// here. All tasks of a job on this node are let in together, or those of two MPI programs would
// wait for each other; in the order that they came, which is about the same on all nodes. All
// functions may be called from any thread. Caller: shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

class descriptor_room : public std::enable_shared_from_this<descriptor_room> {
public:
  enum class state : uint8_t { waits, granted, refused };

  /// The room of a job's tasks, from the asking until they have ended: give it up then.
  class share {
  public:
    share(std::shared_ptr<descriptor_room> room, size_t need)
        : room_{std::move(room)}, need_{need} {}
    ~share() { room_->leave(*this); }
    share(const share&) = delete;
    share& operator=(const share&) = delete;

    state now() const;
    /// The tasks have their descriptors (or never will): those that are open are counted, not
    /// promised.
    void opened() { room_->opened(*this); }
    size_t need() const { return need_; }

  private:
    friend class descriptor_room;
    std::shared_ptr<descriptor_room> room_;
    const size_t need_;
    state state_ = state::waits; // guarded by the room's mutex, as what follows
    std::function<void()> tell_;
    size_t promised_ = 0;
  };

  /// `limit`: descriptors of this process. `open_count` tells how many are open; it is asked only
  /// once jobs may have taken a quarter of the limit.
  static std::shared_ptr<descriptor_room> make(size_t limit, std::function<size_t()> open_count);

  /// Asks for room for `need` descriptors. When there is none yet, `tell` is called as soon as the
  /// state is another, on any thread and without a lock. Refused: it never fits, or no job is here
  /// whose end would make room.
  std::unique_ptr<share> ask(size_t need, std::function<void()> tell);

  /// Descriptors may have been closed.
  void on_freed();

  /// Why a share was refused, and what would be right.
  caf::error refusal(const share& s) const;
  size_t limit() const { return limit_; }

private:
  descriptor_room(size_t limit, std::function<size_t()> open_count)
      : limit_{limit}, open_count_{std::move(open_count)} {}
  size_t spare() const;
  bool fits(size_t need) const;
  void opened(share& s);
  void leave(share& s);
  std::vector<std::function<void()>> settle();

  const size_t limit_;
  const std::function<size_t()> open_count_;
  mutable std::mutex mutex_;  // guards what follows
  std::list<share*> waiting_; // in the order that they came
  size_t granted_ = 0;        // shares ...
  size_t taken_ = 0;          // ... and what they asked for
  size_t promised_ = 0;       // of it: may not be open yet
};

/// Counts the descriptors of this process that are open, below `limit`, without opening any.
size_t open_descriptors(size_t limit);

/// How many this process may open.
size_t descriptors_max();

} // namespace hactor
