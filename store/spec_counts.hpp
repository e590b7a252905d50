// How long specs are kept: each for as long as a record names it, and what it links to
// (link_to_spec) for as long as it is kept itself.
// Callers: journal.cpp, journal_write.cpp. Format: doc/store-format.md, tables spec and refs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <optional>

#include "store/journal_impl.hpp"

namespace hactor {

/// What one write transaction does to the specs.
class spec_counts {
public:
  /// `links`: a spec counts for what it links to; false: links were never counted in this file.
  spec_counts(MDB_txn* txn, const environment& env, bool links)
    : txn_(txn), spec_(env.dbi(table::spec)), refs_(env.dbi(table::refs)), links_(links) {}

  /// Stores a spec unless it is there. Returns a code of LMDB.
  int add(const spec_hash& h, std::string_view text);

  /// So many more records name the spec, fewer when below 0.
  void change(const spec_hash& h, int64_t by);

  /// Writes the counts, drops what nothing names any more; `unknown` names a spec that has gained a
  /// record but is not stored. Call once, last. Returns a code of LMDB or environment::refused.
  int write(std::optional<spec_hash>& unknown);

private:
  struct counted {
    int64_t by = 0;
    bool fresh = false; // its text is new in this transaction
  };
  using changes = std::map<spec_hash, counted>;

  int write_one(const spec_hash& h, const counted& c, changes& unlinked);

  MDB_txn* txn_;
  MDB_dbi spec_, refs_;
  bool links_;
  changes changes_;
  changes::iterator last_ = changes_.end();
};

/// Counts the links of a file in which they were not counted, and drops specs that neither a record
/// nor a spec names. Where a page of the specs is damaged nothing is changed, and that is told.
/// Returns whether they are counted from now on. Errors: as environment::write.
caf::expected<bool> count_links(environment& env, std::vector<std::string>& notes);

} // namespace hactor
