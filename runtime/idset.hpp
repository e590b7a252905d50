// Sets of small non-negative integers (RFC 22), kept as sorted disjoint runs: what one node's
// cores, an instance's ranks and an array's indices are written as.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

/// A run of ids, both ends inside.
struct id_run {
  uint32_t first = 0;
  uint32_t last = 0;

  friend bool operator==(const id_run&, const id_run&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, id_run& x) {
    return f(x.first, x.last);
  }
};

/// A set of ids. Copies cost O(runs). All binary operations cost O(runs of both).
class idset {
public:
  idset() = default;

  /// The ids first..last. Requires: first <= last.
  static idset range(uint32_t first, uint32_t last);
  static idset single(uint32_t id) { return range(id, id); }

  /// Reads RFC 22 text: ascending, comma separated, runs as a-b, optional brackets; "" is empty.
  /// Errors: ec::bad_idset (descending, duplicate, stray characters, leading zeros, too many:
  /// limits idset_universe_max).
  static caf::expected<idset> parse(std::string_view text);

  /// Writes RFC 22 text without brackets, e.g. "0-3,7".
  std::string to_string() const;

  bool empty() const { return runs_.empty(); }
  uint64_t size() const;
  bool contains(uint32_t id) const;
  bool contains_all(const idset& other) const;
  bool intersects(const idset& other) const;
  uint32_t first() const; ///< Requires: not empty.
  uint32_t last() const;  ///< Requires: not empty.

  void add(uint32_t id);
  void add_range(uint32_t first, uint32_t last);
  void remove(uint32_t id);
  void add_all(const idset& other);
  void remove_all(const idset& other);
  idset intersect(const idset& other) const;

  /// Takes the `count` smallest ids out of the set and returns them. Requires: count <= size().
  idset take_first(uint64_t count);

  /// The id at position `index` in ascending order. Requires: index < size(). O(runs).
  uint32_t nth(uint64_t index) const;

  /// All ids, ascending.
  std::vector<uint32_t> expand() const;

  const std::vector<id_run>& runs() const { return runs_; }

  friend bool operator==(const idset&, const idset&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, idset& x) {
    return f(x.runs_);
  }

private:
  std::vector<id_run> runs_; // ascending, disjoint, not adjacent
};

} // namespace hactor
