// An order of things that live in a vector, with links inside of them: insert, erase, the first,
// the next, the n-th, and at which place one stands, each in O(log n). A treap; a thing's weight is
// a hash of its place in the vector, so that 16 bytes are all it costs. Caller: job_queue.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

namespace hactor {

inline constexpr uint32_t nothing = UINT32_MAX;

struct tree_link {
  uint32_t left = nothing, right = nothing, parent = nothing;
  uint32_t count = 0; ///< Of this and all below.
};

/// Link: the member that this tree uses, so that a thing can be in several trees.
template <class T, tree_link T::*Link>
class ranked_tree {
public:
  using things = std::vector<T>;

  uint32_t size(const things& all) const { return count(all, root_); }
  bool empty() const { return root_ == nothing; }

  /// before(a, b) orders two places. Requires: i is in no such tree.
  template <class Before>
  void insert(things& all, uint32_t i, const Before& before) {
    all[i].*Link = {nothing, nothing, nothing, 1};
    if (root_ == nothing) {
      root_ = i;
      return;
    }
    auto at = root_;
    while (true) {
      auto& l = all[at].*Link;
      ++l.count;
      auto& side = before(i, at) ? l.left : l.right;
      if (side == nothing) {
        side = i;
        break;
      }
      at = side;
    }
    (all[i].*Link).parent = at;
    while (parent(all, i) != nothing && weight(i) > weight(parent(all, i)))
      lift(all, i);
  }

  /// Requires: i is in this tree.
  void erase(things& all, uint32_t i) {
    auto& l = all[i].*Link;
    while (l.left != nothing || l.right != nothing) {
      bool left = l.right == nothing || (l.left != nothing && weight(l.left) > weight(l.right));
      lift(all, left ? l.left : l.right);
    }
    for (auto up = l.parent; up != nothing; up = parent(all, up))
      --(all[up].*Link).count;
    replace(all, l.parent, i, nothing);
    l = {};
  }

  /// Requires: not empty.
  uint32_t first(const things& all) const {
    auto at = root_;
    while ((all[at].*Link).left != nothing)
      at = (all[at].*Link).left;
    return at;
  }

  /// `nothing` behind the last.
  uint32_t next(const things& all, uint32_t i) const {
    if (auto right = (all[i].*Link).right; right != nothing) {
      while ((all[right].*Link).left != nothing)
        right = (all[right].*Link).left;
      return right;
    }
    auto up = parent(all, i);
    for (; up != nothing && (all[up].*Link).right == i; up = parent(all, up))
      i = up;
    return up;
  }

  /// How many stand before it.
  uint32_t place(const things& all, uint32_t i) const {
    auto before = count(all, (all[i].*Link).left);
    for (auto up = parent(all, i); up != nothing; i = up, up = parent(all, up))
      if ((all[up].*Link).right == i)
        before += count(all, (all[up].*Link).left) + 1;
    return before;
  }

  /// The one before which so many stand; `nothing` when there are not so many.
  uint32_t nth(const things& all, uint32_t n) const {
    auto at = root_;
    while (at != nothing) {
      auto left = count(all, (all[at].*Link).left);
      if (n == left)
        return at;
      if (n < left) {
        at = (all[at].*Link).left;
      } else {
        n -= left + 1;
        at = (all[at].*Link).right;
      }
    }
    return nothing;
  }

  /// How many stand before something that need not be in it: before(x) tells whether x does.
  template <class IsBefore>
  uint32_t count_before(const things& all, const IsBefore& is_before) const {
    uint32_t n = 0;
    for (auto at = root_; at != nothing;) {
      auto& l = all[at].*Link;
      if (is_before(at)) {
        n += count(all, l.left) + 1;
        at = l.right;
      } else {
        at = l.left;
      }
    }
    return n;
  }

private:
  static uint32_t count(const things& all, uint32_t i) {
    return i == nothing ? 0 : (all[i].*Link).count;
  }
  static uint32_t parent(const things& all, uint32_t i) { return (all[i].*Link).parent; }

  static uint32_t weight(uint32_t i) {
    i = (i ^ (i >> 16)) * 0x45d9f3bu;
    i = (i ^ (i >> 16)) * 0x45d9f3bu;
    return i ^ (i >> 16);
  }

  void replace(things& all, uint32_t above, uint32_t old, uint32_t with) {
    if (above == nothing)
      root_ = with;
    else if ((all[above].*Link).left == old)
      (all[above].*Link).left = with;
    else
      (all[above].*Link).right = with;
  }

  /// Rotates i above its parent.
  void lift(things& all, uint32_t i) {
    auto& l = all[i].*Link;
    auto p = l.parent;
    auto& above = all[p].*Link;
    bool left = above.left == i;
    auto inner = left ? l.right : l.left;
    (left ? above.left : above.right) = inner;
    if (inner != nothing)
      (all[inner].*Link).parent = p;
    (left ? l.right : l.left) = p;
    l.parent = above.parent;
    replace(all, above.parent, p, i);
    above.parent = i;
    l.count = above.count;
    above.count = 1 + count(all, above.left) + count(all, above.right);
  }

  uint32_t root_ = nothing;
};

} // namespace hactor
