// Opening the journal. Writing is in journal_write.cpp, reading in journal_read.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/journal.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <sys/stat.h>

#include "runtime/limits.hpp"
#include "store/bytes.hpp"
#include "store/journal_impl.hpp"
#include "store/spec_counts.hpp"

namespace hactor {

namespace {

// Events at the log's end that are checked at each opening: a few milliseconds.
constexpr uint64_t tail_events_checked = 65'536;

caf::error make_directory(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const auto parent = fs::path{directory}.parent_path();
  if (!parent.empty())
    fs::create_directories(parent, failed); // a failure shows in the next call, with its errno
  if (mkdir(directory.c_str(), 0700) == 0)
    return {};
  const int why = errno;
  struct stat info {};
  if (why == EEXIST && stat(directory.c_str(), &info) == 0)
    return S_ISDIR(info.st_mode) ? caf::error{}
                                 : make_errno_error(ec::store_failed, directory, ENOTDIR);
  const auto code = why == ENOSPC || why == EDQUOT ? ec::disk_full : ec::store_failed;
  return make_errno_error(code, directory, why);
}

} // namespace

journal::journal() : impl_(std::make_unique<impl>()) {}

journal::~journal() = default;

caf::expected<std::unique_ptr<journal>> journal::open(const journal_options& options,
                                                      journal_findings* findings) {
  journal_findings unwanted;
  auto& found = findings != nullptr ? *findings : unwanted;
  std::unique_ptr<journal> result{new journal};
  auto& i = *result->impl_;
  i.options = options;
  if (!options.read_only) {
    if (auto err = make_directory(options.directory))
      return err;
    auto lock = owner_lock::take(options.directory, options.owner, &found.notes);
    if (!lock)
      return std::move(lock.error());
    i.lock = std::move(*lock);
  }
  const environment_options env_options{options.directory, options.sync, options.read_only,
                                        options.map_bytes_max != 0 ? options.map_bytes_max
                                                                   : limits::journal_map_bytes_max,
                                        options.guests_max};
  auto env = environment::open(env_options, &found.existed, &found.notes);
  if (!env)
    return std::move(env.error());
  i.env = std::move(*env);
  if (auto err = i.load_counters())
    return err;
  if (!options.read_only) {
    auto counted = count_links(*i.env, found.notes);
    if (!counted)
      return std::move(counted.error());
    i.counts_links = *counted;
  }
  if (auto err = i.check_tail(*result, &found))
    return err;
  return result;
}

caf::expected<std::unique_ptr<journal>> journal::open_within(const std::shared_ptr<journal>& host,
                                                             const std::string& name) {
  std::unique_ptr<journal> result{new journal};
  auto& i = *result->impl_;
  i.options = host->impl_->options;
  i.host = host;
  auto env = environment::open_within(host->impl_->env, name + "/");
  if (!env)
    return std::move(env.error());
  i.env = std::move(*env);
  return result;
}

caf::error journal::impl::load_counters() {
  auto at = env->read();
  if (!at)
    return std::move(at.error());
  for (auto [name, counter] : {std::pair{next_key, &next}, std::pair{first_key, &first}}) {
    MDB_val key = val_of(name), value{};
    const int rc = get_value(at->txn(), dbi(table::meta), &key, &value);
    if (rc == MDB_NOTFOUND)
      continue;
    if (rc != 0)
      return env->failure(rc, "read");
    if (value.mv_size != sizeof(uint64_t))
      return make_error(ec::store_corrupt, options.directory + "/data.mdb: meta "
                                               + std::string{name} + " is malformed");
    *counter = integer_of(value);
  }
  return {};
}

caf::error journal::impl::check_tail(const journal& j, journal_findings* found) const {
  auto restart = j.restart_sequence();
  if (!restart)
    return std::move(restart.error());
  const uint64_t end = next;
  const auto tail = end > tail_events_checked ? end - tail_events_checked : 0;
  return j.read_log(
      std::min(*restart, tail), [](uint64_t, const job_event&) { return true; }, found);
}

done_key done_key_of(int64_t t_end_ns, job_id id) {
  // With the sign bit flipped, unsigned order is signed order.
  const auto time = __builtin_bswap64(static_cast<uint64_t>(t_end_ns) ^ (1ull << 63));
  done_key key;
  bytes::put_fixed(bytes::put_fixed(key.data(), time), __builtin_bswap64(id.value));
  return key;
}

job_id job_of(std::string_view done) {
  uint64_t value = 0;
  done.remove_prefix(std::min<size_t>(done.size(), 8));
  bytes::take_fixed(done, value);
  return {__builtin_bswap64(value)};
}

label_key label_key_of(uint64_t label, const labelled_job& job) {
  const auto done = done_key_of(job.t_submit_ns, job.id);
  label_key key;
  auto* p = bytes::put_fixed(key.data(), __builtin_bswap64(label));
  std::copy(done.begin(), done.end(), p);
  return key;
}

labelled_job labelled_of(std::string_view key) {
  uint64_t time = 0;
  key.remove_prefix(std::min<size_t>(key.size(), 8));
  const auto id = job_of(key);
  bytes::take_fixed(key, time);
  return {static_cast<int64_t>(__builtin_bswap64(time) ^ (1ull << 63)), id};
}

spec_key spec_key_of(const spec_hash& h) {
  spec_key key;
  bytes::put_fixed(bytes::put_fixed(key.data(), h.high), h.low);
  return key;
}

} // namespace hactor
