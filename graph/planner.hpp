// How much of an amount is used when: for one vertex its units, for a subtree the sum of a type
// below it. Adding, removing and asking cost O(log spans), finding the earliest time O(log spans)
// for each stretch of time in which too much is used.
//
// Spans that all begin and end together, as those of a vertex that one job holds, are one record,
// which planners that say the same share: all cores of a job do. Else the times at which usage
// changes are a treap by time; each vertex of it knows the sum of the changes below it, and the
// largest and smallest running sum. So a span is two points, whatever lies between them. (The
// planner of Fluxion answers the same questions with two trees that hold the usage itself; RFC 4
// has the model.)
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace hactor {

/// The memory of many planners: a graph has millions, most of them without any point.
class planner_pool {
public:
  planner_pool() { points_.emplace_back(); } // 0 is no point

  /// Times at which usage changes, those that planners share once.
  size_t points() const {
    return points_.size() - 1 - free_count_ + 2 * (blocks_.size() - free_blocks_.size());
  }
  size_t bytes() const {
    return points_.capacity() * sizeof(point) + blocks_.capacity() * sizeof(block)
           + free_blocks_.capacity() * sizeof(index);
  }

private:
  friend class planned_use;
  using index = uint32_t;

  /// Marks the root of a planner as a place in blocks_.
  static constexpr index block_bit = index{1} << 31;

  struct point {
    int64_t time = 0;
    int64_t change = 0;  // of the usage at this time
    int64_t sum = 0;     // of the changes in this subtree
    int64_t highest = 0; // the largest sum of a non-empty prefix of this subtree
    int64_t lowest = 0;  // the smallest
    index left = 0, right = 0;
    uint32_t weight = 0; // random; heap order keeps the tree balanced
    uint32_t uses = 0;   // spans that begin or end here
  };

  /// All spans of a planner, when they begin and end together.
  struct block {
    int64_t begin = 0;
    int64_t end = 0;
    int64_t amount = 0; // of all
    uint32_t spans = 0;
    uint32_t planners = 0; // that have it; 0: none, the place is free
  };

  index share_block(int64_t begin, int64_t end, int64_t amount);
  index take_block(const block& b);
  void leave_block(index i);
  index take(int64_t time);
  void give(index i);
  bool change_in_place(index i, int64_t time, int64_t by, int use);
  index tree_of(const block& b);
  void refresh(index i);
  index merge(index a, index b);
  void split(index tree, int64_t time, index& before, index& rest);

  std::vector<point> points_;
  std::vector<block> blocks_;
  std::vector<index> free_blocks_;
  std::array<index, 16> recent_{}; // by amount: the block of one span that was made last
  index free_ = 0;                 // list by `left`
  size_t free_count_ = 0;
  uint32_t random_ = 2463534242u; // xorshift: balance only, nothing that shows
};

/// The spans of one amount, without how much of it there is: four bytes.
class planned_use {
public:
  bool unused() const { return root_ == 0; }

  /// Uses `amount` during [begin, end). Requires: begin < end, amount >= 0.
  void add(planner_pool& pool, int64_t begin, int64_t end, int64_t amount);

  /// Takes back what add was given. Requires: exactly that was added.
  void remove(planner_pool& pool, int64_t begin, int64_t end, int64_t amount);

  /// Makes a span that add was given use `by` more, or less. Requires: there is such a span, and it
  /// uses >= 0 afterwards.
  void adjust(planner_pool& pool, int64_t begin, int64_t end, int64_t by);

  /// The most that is used at any time in [begin, end). Requires: begin < end.
  int64_t used(const planner_pool& pool, int64_t begin, int64_t end) const;

  /// The first t >= from at which no more than `limit` is used throughout [t, t + duration).
  /// Requires: duration > 0, limit >= 0.
  std::optional<int64_t> earliest(const planner_pool& pool, int64_t from, int64_t duration,
                                  int64_t limit) const;

  /// The first time after `t` at which the usage changes.
  std::optional<int64_t> next_change(const planner_pool& pool, int64_t t) const;

  /// Forgets all spans.
  void clear(planner_pool& pool);

private:
  using block = planner_pool::block;
  static constexpr auto block_bit = planner_pool::block_bit;

  const block* as_block(const planner_pool& pool) const {
    return (root_ & block_bit) != 0 ? &pool.blocks_[root_ ^ block_bit] : nullptr;
  }
  block& own_block(planner_pool& pool);
  void change(planner_pool& pool, int64_t time, int64_t by, int use);
  int64_t used_at(const planner_pool& pool, int64_t time) const;

  uint32_t root_ = 0; // 0: no span; a block, or the root of a tree
};

/// A planned use, and how much there is.
class planner : public planned_use {
public:
  /// Requires: total >= 0.
  explicit planner(int64_t total = 0) : total_(total) {}

  int64_t total() const { return total_; }
  /// More or less of it; what is used may then be more than there is. Requires: total >= 0.
  void set_total(int64_t total) { total_ = total; }

  /// What is free throughout [begin, end); less than zero after set_total.
  int64_t available(const planner_pool& pool, int64_t begin, int64_t end) const {
    return unused() ? total_ : total_ - used(pool, begin, end);
  }

  /// The first t >= from at which `amount` is free throughout [t, t + duration). Nothing when the
  /// amount is more than there is. Requires: duration > 0.
  std::optional<int64_t> earliest(const planner_pool& pool, int64_t from, int64_t duration,
                                  int64_t amount) const {
    if (amount > total_)
      return {};
    return planned_use::earliest(pool, from, duration, total_ - amount);
  }

private:
  int64_t total_;
};

} // namespace hactor
