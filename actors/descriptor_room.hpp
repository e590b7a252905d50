// Which jobs may start tasks now, as far as the broker's file descriptors go: each task has pipes
// here. All tasks of a job on this node are let in together, or those of two MPI programs would
// wait for each other; in the order that they came, which is about the same on all nodes. A job
// that holds an instance ends after those in it, so these do not wait for it, and they go before
// others that do. All functions may be called from any thread. Caller: shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

class descriptor_room : public std::enable_shared_from_this<descriptor_room> {
public:
  enum class state : uint8_t { waits, granted, refused };

  /// Whose tasks they are.
  struct asker {
    job_id job;
    std::string instance; // its path, "A/B"; "": the outermost
  };

  /// The room of a job's tasks, from the asking until they have ended: give it up then.
  class share {
  public:
    share(std::shared_ptr<descriptor_room> room, const asker& who, size_t need);
    ~share() { room_->leave(*this); }
    share(const share&) = delete;
    share& operator=(const share&) = delete;

    state now() const;
    /// True when it waits, and before all others: then it is for its owner to look again.
    bool is_first() const;
    /// What others than tasks have open may be less now. Where nobody's end would make room, the
    /// second look in a row that finds none is the last: the state is `refused`.
    void look_again();
    /// The tasks have their descriptors (or never will): those that are open are counted, not
    /// promised.
    void opened() { room_->opened(*this); }
    size_t need() const { return need_; }

  private:
    friend class descriptor_room;
    std::shared_ptr<descriptor_room> room_;
    const job_id job_;
    const std::vector<job_id> around_; // jobs whose instances it is in
    const size_t need_;
    state state_ = state::waits; // guarded by the room's mutex, as what follows
    std::function<void()> tell_;
    size_t promised_ = 0;
    int looks_ = 0; // in a row that were in vain
  };

  /// `limit`: descriptors of this process. `open_count` tells how many are open; it is asked only
  /// once jobs may have taken a quarter of the limit.
  static std::shared_ptr<descriptor_room> make(size_t limit, std::function<size_t()> open_count);

  /// Asks for room for `need` descriptors. When there is none yet, `tell` is called as soon as the
  /// state is another, or the share is the first, on any thread and without a lock. Refused at
  /// once: it never fits.
  std::unique_ptr<share> ask(const asker& who, size_t need, std::function<void()> tell);

  /// Descriptors may have been closed.
  void on_freed();

  /// Why a share was refused, and what would be right.
  caf::error refusal(const share& s) const;
  size_t limit() const { return limit_; }

private:
  descriptor_room(size_t limit, std::function<size_t()> open_count)
      : limit_{limit}, open_count_{std::move(open_count)} {}
  using told = std::vector<std::function<void()>>;
  size_t spare() const;
  void opened(share& s);
  void leave(share& s);
  void settle(const share* looks);
  told let_in(const share* looks);
  void decide(std::list<share*>::iterator who, state to, told& tells);
  void leave_queue(std::list<share*>::iterator who);
  bool is_within_granted(const share& s) const;
  bool may_one_end() const;

  const size_t limit_;
  const std::function<size_t()> open_count_;
  mutable std::mutex mutex_;                // guards what follows
  std::list<share*> waiting_;               // in the order that they came
  const share* told_first_ = nullptr;       // the first of them, which knows that it is
  std::unordered_multiset<job_id> around_;  // jobs whose instances they are in
  std::unordered_multiset<job_id> granted_; // jobs with shares ...
  size_t taken_ = 0;                        // ... and what they asked for
  size_t promised_ = 0;                     // of it: may not be open yet
};

/// Counts the descriptors of this process that are open, below `limit`, without opening any.
size_t open_descriptors(size_t limit);

/// How many this process may open.
size_t descriptors_max();

} // namespace hactor
