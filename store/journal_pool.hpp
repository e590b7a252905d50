// Journals of nested instances: many share one file. An LMDB environment takes 2 MB of memory and
// some descriptors, and there may be thousands of instances on a rank.
// Caller: actors/instance.cpp. Safe from every thread.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/journal.hpp"

namespace hactor {

class journal_pool {
public:
  /// Files are made below `folder` when they are needed, and stay. `owner`: as in journal_options.
  journal_pool(std::string folder, std::string owner)
      : folder_(std::move(folder)), owner_(std::move(owner)) {}

  /// A fresh journal, whose state ends with it. `name`: whose it is; another one of the same name
  /// may be open still, since a job's instance may follow one before. Errors: as journal::open.
  caf::expected<std::shared_ptr<journal>> open(const std::string& name);

private:
  caf::expected<std::shared_ptr<journal>> host_with_room();

  std::string folder_;
  std::string owner_;
  std::mutex mutex_;
  uint64_t opened_ = 0;
  std::vector<std::shared_ptr<journal>> hosts_; // each journal in one keeps it: see use_count
};

} // namespace hactor
