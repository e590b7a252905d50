// See planner.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/planner.hpp"

#include <algorithm>
#include <utility>

#include "runtime/error.hpp"

namespace hactor {

// -- the treap ------------------------------------------------------------------------------------

planner_pool::index planner_pool::take(int64_t time) {
  index i = free_;
  if (i != 0) {
    free_ = points_[i].left;
    --free_count_;
    points_[i] = {};
  } else {
    HACTOR_CHECK(points_.size() < block_bit);
    i = static_cast<index>(points_.size());
    points_.emplace_back();
  }
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  points_[i].time = time;
  points_[i].weight = random_;
  return i;
}

void planner_pool::give(index i) {
  points_[i].left = free_;
  free_ = i;
  ++free_count_;
}

planner_pool::index planner_pool::take_block(const block& b) {
  if (free_blocks_.empty()) {
    HACTOR_CHECK(blocks_.size() < block_bit);
    blocks_.push_back(b);
    return static_cast<index>(blocks_.size() - 1);
  }
  auto i = free_blocks_.back();
  free_blocks_.pop_back();
  blocks_[i] = b;
  return i;
}

/// A block of one span for one more planner. What a job holds is mostly added together.
planner_pool::index planner_pool::share_block(int64_t begin, int64_t end, int64_t amount) {
  auto& recent = recent_[static_cast<size_t>(amount) % recent_.size()];
  if (recent < blocks_.size()) {
    auto& b = blocks_[recent];
    if (b.planners > 0 && b.spans == 1 && b.amount == amount && b.begin == begin && b.end == end) {
      ++b.planners;
      return recent;
    }
  }
  return recent = take_block({begin, end, amount, 1, 1});
}

void planner_pool::leave_block(index i) {
  if (--blocks_[i].planners == 0)
    free_blocks_.push_back(i);
}

/// The same as two points.
planner_pool::index planner_pool::tree_of(const block& b) {
  auto first = take(b.begin), last = take(b.end);
  points_[first].change = b.amount;
  points_[last].change = -b.amount;
  points_[first].uses = points_[last].uses = b.spans;
  refresh(first);
  refresh(last);
  return merge(first, last);
}

void planner_pool::refresh(index i) {
  auto& p = points_[i];
  auto& l = points_[p.left];
  auto& r = points_[p.right];
  auto here = (p.left != 0 ? l.sum : 0) + p.change;
  p.sum = here + (p.right != 0 ? r.sum : 0);
  p.highest = p.lowest = here;
  if (p.left != 0) {
    p.highest = std::max(p.highest, l.highest);
    p.lowest = std::min(p.lowest, l.lowest);
  }
  if (p.right != 0) {
    p.highest = std::max(p.highest, here + r.highest);
    p.lowest = std::min(p.lowest, here + r.lowest);
  }
}

// Requires: all times of `a` are before those of `b`.
planner_pool::index planner_pool::merge(index a, index b) {
  if (a == 0 || b == 0)
    return a != 0 ? a : b;
  if (points_[a].weight > points_[b].weight) {
    auto right = merge(points_[a].right, b);
    points_[a].right = right;
    refresh(a);
    return a;
  }
  auto left = merge(a, points_[b].left);
  points_[b].left = left;
  refresh(b);
  return b;
}

// Into times < `time` and the rest.
void planner_pool::split(index tree, int64_t time, index& before, index& rest) {
  if (tree == 0) {
    before = rest = 0;
    return;
  }
  if (points_[tree].time < time) {
    index middle = 0;
    split(points_[tree].right, time, middle, rest);
    points_[tree].right = middle;
    refresh(tree);
    before = tree;
  } else {
    index middle = 0;
    split(points_[tree].left, time, before, middle);
    points_[tree].left = middle;
    refresh(tree);
    rest = tree;
  }
}

// -- a planned use
// ----------------------------------------------------------------------------------

/// Changes a point that exists. False when there is none, or it would not be needed any more.
bool planner_pool::change_in_place(index i, int64_t time, int64_t by, int use) {
  if (i == 0)
    return false;
  auto& p = points_[i];
  if (p.time == time) {
    if (p.uses + static_cast<uint32_t>(use) == 0)
      return false;
    p.change += by;
    p.uses += static_cast<uint32_t>(use);
  } else if (!change_in_place(time < p.time ? p.left : p.right, time, by, use)) {
    return false;
  }
  refresh(i);
  return true;
}

/// The block of this planner, of no other from now on. Requires: it has one.
planned_use::block& planned_use::own_block(planner_pool& pool) {
  auto i = root_ ^ block_bit;
  if (pool.blocks_[i].planners > 1) {
    auto copy = pool.blocks_[i];
    copy.planners = 1;
    pool.leave_block(i);
    i = pool.take_block(copy);
    root_ = i | block_bit;
  }
  return pool.blocks_[i];
}

void planned_use::change(planner_pool& pool, int64_t time, int64_t by, int use) {
  if (pool.change_in_place(root_, time, by, use))
    return;
  planner_pool::index before = 0, at = 0, after = 0;
  pool.split(root_, time, before, after);
  pool.split(after, time + 1, at, after);
  if (at == 0)
    at = pool.take(time);
  auto& p = pool.points_[at];
  HACTOR_CHECK(use > 0 || p.uses > 0);
  p.change += by;
  p.uses += static_cast<uint32_t>(use);
  if (p.uses == 0) {
    HACTOR_CHECK(p.change == 0);
    pool.give(at);
    at = 0;
  } else {
    pool.refresh(at);
  }
  root_ = pool.merge(pool.merge(before, at), after);
}

void planned_use::add(planner_pool& pool, int64_t begin, int64_t end, int64_t amount) {
  HACTOR_CHECK(begin < end && amount >= 0);
  if (root_ == 0) {
    root_ = pool.share_block(begin, end, amount) | block_bit;
    return;
  }
  if (auto* known = as_block(pool)) {
    if (known->begin == begin && known->end == end) {
      auto& b = own_block(pool);
      b.amount += amount;
      ++b.spans;
      return;
    }
    auto all = *known;
    pool.leave_block(root_ ^ block_bit);
    root_ = pool.tree_of(all);
  }
  change(pool, begin, amount, 1);
  change(pool, end, -amount, 1);
}

void planned_use::remove(planner_pool& pool, int64_t begin, int64_t end, int64_t amount) {
  HACTOR_CHECK(begin < end && amount >= 0);
  if (auto* b = as_block(pool)) {
    HACTOR_CHECK(b->begin == begin && b->end == end && b->amount >= amount);
    if (b->spans == 1) {
      HACTOR_CHECK(b->amount == amount);
      clear(pool);
    } else {
      auto& mine = own_block(pool);
      mine.amount -= amount;
      --mine.spans;
    }
    return;
  }
  change(pool, begin, -amount, -1);
  change(pool, end, amount, -1);
}

void planned_use::adjust(planner_pool& pool, int64_t begin, int64_t end, int64_t by) {
  HACTOR_CHECK(begin < end);
  if (auto* b = as_block(pool)) {
    HACTOR_CHECK(b->begin == begin && b->end == end && b->amount + by >= 0);
    own_block(pool).amount += by;
    return;
  }
  change(pool, begin, by, 0);
  change(pool, end, -by, 0);
}

int64_t planned_use::used_at(const planner_pool& pool, int64_t time) const {
  int64_t sum = 0;
  for (auto i = root_; i != 0;) {
    auto& p = pool.points_[i];
    if (p.time <= time) {
      sum += p.change + (p.left != 0 ? pool.points_[p.left].sum : 0);
      i = p.right;
    } else {
      i = p.left;
    }
  }
  return sum;
}

int64_t planned_use::used(const planner_pool& pool, int64_t begin, int64_t end) const {
  if (auto* b = as_block(pool))
    return begin < b->end && end > b->begin ? b->amount : 0;
  // What is used at `begin` lasts until the first change; then the running sums up to `end` count.
  auto most = used_at(pool, begin);
  struct walk {
    const planner_pool& pool;
    int64_t begin, end, most;

    // `sum`: of the changes before this subtree, whose times are in (low, high) exclusively.
    void visit(planner_pool::index i, int64_t sum, bool all_after, bool all_before) {
      if (i == 0)
        return;
      auto& p = pool.points_[i];
      if (all_after && all_before) {
        most = std::max(most, sum + p.highest);
        return;
      }
      auto here = sum + p.change + (p.left != 0 ? pool.points_[p.left].sum : 0);
      bool after = p.time > begin;
      bool before = p.time < end;
      if (after)
        visit(p.left, sum, all_after, all_before || before);
      if (after && before)
        most = std::max(most, here);
      if (before)
        visit(p.right, here, all_after || after, all_before);
    }
  };
  walk w{pool, begin, end, most};
  w.visit(root_, 0, false, false);
  return w.most;
}

std::optional<int64_t> planned_use::earliest(const planner_pool& pool, int64_t from,
                                             int64_t duration, int64_t limit) const {
  HACTOR_CHECK(duration > 0);
  if (auto* b = as_block(pool))
    return b->amount <= limit || b->begin - from >= duration ? from : std::max(from, b->end);
  // The first time > `after` at which the running sum is above the limit, or at most the limit.
  struct search {
    const planner_pool& pool;
    int64_t limit;

    std::optional<int64_t> next(planner_pool::index i, int64_t sum, int64_t after, bool above) {
      if (i == 0)
        return {};
      auto& p = pool.points_[i];
      if (above ? sum + p.highest <= limit : sum + p.lowest > limit)
        return {};
      auto here = sum + p.change + (p.left != 0 ? pool.points_[p.left].sum : 0);
      if (p.time > after) {
        if (auto found = next(p.left, sum, after, above))
          return found;
        if ((here > limit) == above)
          return p.time;
      }
      return next(p.right, here, after, above);
    }
  };
  search s{pool, limit};
  auto t = from;
  if (used_at(pool, t) > limit) {
    auto freed = s.next(root_, 0, t, false);
    if (!freed)
      return {};
    t = *freed;
  }
  for (;;) {
    auto full = s.next(root_, 0, t, true);
    if (!full || *full - t >= duration)
      return t;
    auto freed = s.next(root_, 0, *full, false);
    if (!freed)
      return {};
    t = *freed;
  }
}

std::optional<int64_t> planned_use::next_change(const planner_pool& pool, int64_t t) const {
  if (auto* b = as_block(pool))
    return t < b->begin ? std::optional{b->begin}
           : t < b->end ? std::optional{b->end}
                        : std::nullopt;
  std::optional<int64_t> found;
  for (auto i = root_; i != 0;) {
    auto& p = pool.points_[i];
    if (p.time > t) {
      found = p.time;
      i = p.left;
    } else {
      i = p.right;
    }
  }
  return found;
}

void planned_use::clear(planner_pool& pool) {
  if (as_block(pool) != nullptr) {
    pool.leave_block(std::exchange(root_, 0) ^ block_bit);
    return;
  }
  std::vector<planner_pool::index> open;
  if (root_ != 0)
    open.push_back(root_);
  while (!open.empty()) {
    auto i = open.back();
    open.pop_back();
    for (auto below : {pool.points_[i].left, pool.points_[i].right})
      if (below != 0)
        open.push_back(below);
    pool.give(i);
  }
  root_ = 0;
}

} // namespace hactor
