// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/journal_pool.hpp"

#include "runtime/limits.hpp"

namespace hactor {

caf::expected<std::shared_ptr<journal>> journal_pool::host_with_room() {
  for (auto& host : hosts_)
    if (host.use_count() <= limits::nested_journals_per_file)
      return host;
  journal_options o;
  o.directory = folder_ + "/" + std::to_string(hosts_.size());
  o.sync = false;
  o.map_bytes_max = limits::nested_journal_map_bytes_max;
  o.guests_max = limits::nested_journals_per_file + 1; // one may be closing
  o.owner = owner_;
  auto host = journal::open(o, nullptr);
  if (!host)
    return std::move(host.error());
  hosts_.emplace_back(std::move(*host));
  return hosts_.back();
}

caf::expected<std::shared_ptr<journal>> journal_pool::open(const std::string& name) {
  std::lock_guard guard{mutex_};
  auto host = host_with_room();
  if (!host)
    return std::move(host.error());
  auto made = journal::open_within(*host, name + "." + std::to_string(++opened_));
  if (!made)
    return std::move(made.error());
  return std::shared_ptr<journal>{std::move(*made)};
}

} // namespace hactor
