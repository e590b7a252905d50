// For each vertex a list of vertices, all lists in one block of memory: 8 bytes a vertex and 4 an
// edge, where a vector of vectors takes 24 and 40. A list that outgrows its place moves.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace hactor {

class adjacency {
public:
  std::span<const uint32_t> of(uint32_t v) const {
    if (v >= lists_.size())
      return {};
    return {block_.data() + lists_[v].first, lists_[v].count};
  }

  /// Appends to the list of v.
  void add(uint32_t v, uint32_t target) {
    if (v >= lists_.size())
      lists_.resize(v + 1);
    auto& l = lists_[v];
    if (l.count == capacity(l.count))
      move(l);
    block_[l.first + l.count++] = target;
    ++edges_;
  }

  /// Takes the first `target` out of the list of v; the others keep their order.
  bool remove(uint32_t v, uint32_t target) {
    if (v >= lists_.size())
      return false;
    auto& l = lists_[v];
    auto begin = block_.begin() + l.first;
    auto end = begin + l.count;
    auto at = std::find(begin, end, target);
    if (at == end)
      return false;
    auto before = capacity(l.count);
    std::move(at + 1, end, at);
    --edges_;
    if (--l.count == 0) {
      give(l.first, before);
      l.first = 0;
    } else if (capacity(l.count) < before) {
      give(l.first + capacity(l.count), before - capacity(l.count));
    }
    return true;
  }

  void clear(uint32_t v) {
    if (v >= lists_.size())
      return;
    auto& l = lists_[v];
    edges_ -= l.count;
    if (l.count > 0)
      give(l.first, capacity(l.count));
    l = {};
  }

  /// Tells the processor that the lists of [first, last) will be asked for.
  void prefetch(uint32_t first, uint32_t last) const {
    for (size_t v = first; v < std::min<size_t>(last, lists_.size()); v += 8)
      __builtin_prefetch(&lists_[v]);
  }
  /// The same for what is in the list of one.
  void prefetch_list(uint32_t v) const {
    if (v < lists_.size() && lists_[v].count > 0)
      for (size_t i = 0; i < lists_[v].count; i += 16)
        __builtin_prefetch(&block_[lists_[v].first + i]);
  }

  void reserve(size_t vertices) { lists_.reserve(vertices); }
  size_t edges() const { return edges_; }
  size_t bytes() const {
    return lists_.capacity() * sizeof(list) + block_.capacity() * sizeof(uint32_t);
  }

private:
  struct list {
    uint32_t first = 0;
    uint32_t count = 0;
  };

  /// Places are powers of two, so that the count tells the size.
  static uint32_t capacity(uint32_t count) { return count == 0 ? 0 : std::bit_ceil(count); }

  void move(list& l) {
    auto old = capacity(l.count);
    auto wanted = old == 0 ? 1 : 2 * old;
    auto& free = free_[std::countr_zero(wanted)];
    uint32_t to;
    if (!free.empty()) {
      to = free.back();
      free.pop_back();
    } else {
      to = static_cast<uint32_t>(block_.size());
      block_.resize(block_.size() + wanted);
    }
    std::copy_n(block_.begin() + l.first, l.count, block_.begin() + to);
    if (old > 0)
      give(l.first, old);
    l.first = to;
  }

  /// Half of a place that has become too large is a power of two as well.
  void give(uint32_t first, uint32_t size) { free_[std::countr_zero(size)].push_back(first); }

  std::vector<list> lists_;
  std::vector<uint32_t> block_;
  std::array<std::vector<uint32_t>, 32> free_; // by log2 of the size
  size_t edges_ = 0;
};

} // namespace hactor
