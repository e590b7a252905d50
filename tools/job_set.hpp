// Numbers of jobs, kept as ranges: a share of millions that is worked off in order is one of them.
// Pure. (Boost's interval_set does not compile without warnings here.) Caller: tree_deal.cpp,
// tree_leaf.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor::tools {

struct job_range {
  uint64_t first = 0, end = 0; ///< `end` is no part of it.
};

class job_set {
public:
  job_set() = default;
  job_set(uint64_t first, uint64_t count) { add({first, first + count}); }

  /// "0-3,7". Errors: ec::bad_json.
  static caf::expected<job_set> parse(std::string_view text);
  std::string to_string() const;

  void add(job_range range);
  void subtract(job_range range);
  job_set& operator+=(const job_set& other);
  job_set& operator-=(const job_set& other);

  /// What both have.
  friend job_set operator&(const job_set& a, const job_set& b);
  friend job_set operator-(job_set a, const job_set& b) { return a -= b; }

  /// The lowest `n`, taken out.
  job_set take_first(uint64_t n);

  bool contains(uint64_t job) const;
  bool empty() const { return ends_.empty(); }
  uint64_t size() const { return size_; }

  /// From the lowest to the highest; between two of them something is missing.
  const std::map<uint64_t, uint64_t>& ranges() const { return ends_; } ///< Their ends by firsts.

  friend bool operator==(const job_set&, const job_set&) = default;

private:
  std::map<uint64_t, uint64_t> ends_;
  uint64_t size_ = 0;
};

} // namespace hactor::tools
