// What journal.cpp (opening), journal_write.cpp and journal_read.cpp share.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>

#include "store/environment.hpp"
#include "store/journal.hpp"
#include "store/owner_lock.hpp"
#include "store/record.hpp"

namespace hactor {

struct journal::impl {
  journal_options options;
  owner_lock lock;
  std::shared_ptr<journal> host; // in whose file this one is
  std::shared_ptr<environment> env;
  std::mutex writing; // one write at a time, and `next`, `first` belong to it
  std::atomic<uint64_t> next{1};
  std::atomic<uint64_t> first{1};
  bool counts_links = true; // false: nobody knows how often a spec is linked to (spec_counts.hpp)

  MDB_dbi dbi(table t) const { return env->dbi(t); }
  caf::error load_counters();
  caf::error check_tail(const journal& j, journal_findings* found) const;
};

/// Names of meta that hold the next number of the log and its oldest one, 8 bytes each.
inline constexpr std::string_view next_key = ".next", first_key = ".first";

/// Key of the done table: end time, then id, both big-endian so that bytes compare as they do.
using done_key = std::array<uint8_t, 16>;
done_key done_key_of(int64_t t_end_ns, job_id id);
job_id job_of(std::string_view done);

/// Key of the label table: three numbers, big-endian.
using label_key = std::array<uint8_t, 24>;
label_key label_key_of(uint64_t label, const labelled_job& job);
labelled_job labelled_of(std::string_view key);

/// Key of the spec and refs tables.
using spec_key = std::array<uint8_t, 16>;
spec_key spec_key_of(const spec_hash& h);

template <size_t N>
MDB_val val_of(const std::array<uint8_t, N>& key) {
  return {N, const_cast<uint8_t*>(key.data())};
}

} // namespace hactor
