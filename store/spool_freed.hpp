// How many bytes of each of the spool's segments belong to nobody any more. They lie in the file
// "freed": a u64 a segment, little-endian, at 8 times its number. Each count is written in place,
// so that it needs no room on a full disk; one that cannot be written is tried with the next.
// Caller: spool.cpp. Format: doc/store-format.md.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace hactor {

class spool_freed {
public:
  /// Takes what the file in `directory` says; without one nothing is freed.
  void load(const std::string& directory);

  uint64_t of(uint32_t segment) const;
  void add(uint32_t segment, uint64_t bytes);

  /// The segment is a new one, or is no more.
  void reset(uint32_t segment);

  /// Writes what has changed. What is not written counts all the same until the process ends.
  void save();

private:
  std::string path_;
  std::map<uint32_t, uint64_t> bytes_; // that are not 0
  std::set<uint32_t> changed_;
};

} // namespace hactor
