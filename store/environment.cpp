// See the header. LMDB is opened here and nowhere else.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/environment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace hactor {

namespace {

struct table_form {
  const char* name;
  unsigned flags;
  bool added = false; // not in the files of the first hactors: made where it is missing
};

// Order of enum table. Integer keys ascend with job ids and sequence numbers.
constexpr std::array<table_form, static_cast<size_t>(table::table_count)> forms = {{
    {"meta", 0},
    {"spec", 0},
    {"refs", 0},
    {"log", MDB_INTEGERKEY},
    {"live", MDB_INTEGERKEY},
    {"job", MDB_INTEGERKEY},
    {"done", 0},
    {"blob", 0, true},
    {"named", 0, true},
    {"label", 0, true},
}};

constexpr std::string_view format_key = ".format";
// Format 1 had no labels in its records, format 2 did not count the links of specs. They are read;
// a file that is written to becomes the newest.
constexpr std::string_view format_version = "3";
constexpr std::array<std::string_view, 2> older_formats{"1", "2"};

// The first map; it doubles up to the bound. Large enough for 20 million jobs without growing.
constexpr uint64_t map_bytes_first = 16ull << 30;
constexpr uint64_t map_bytes_least = 1ull << 20;

// LMDB makes its lock file sparse and writes it through a map, which on a full disk is SIGBUS; so
// its blocks are taken beforehand. This size holds 250 readers.
constexpr off_t lock_file_bytes = 16384;

// Set aside for making room on a full disk: erasing some hundred jobs copies that many pages.
constexpr off_t reserve_bytes = 1 << 20, reserve_bytes_least = 64 << 10;

std::string full_text(int errno_value) {
  return std::string{mdb_strerror(errno_value)}
         + (errno_value == EDQUOT ? "; make room, or have the quota raised"
                                  : "; make room on this file system");
}

/// Address space that the journal may take from a process with a limit: an eighth.
uint64_t map_bytes_affordable() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return map_bytes_first;
  const auto pages = limit.rlim_cur / 8 / map_bytes_least;
  return std::clamp<uint64_t>(pages * map_bytes_least, map_bytes_least, map_bytes_first);
}

} // namespace

caf::expected<std::unique_ptr<environment>> environment::open(const environment_options& options,
                                                              bool* existed,
                                                              std::vector<std::string>* notes) {
  std::unique_ptr<environment> result{new environment{options}};
  struct stat info {};
  uint64_t map_bytes = std::min(map_bytes_affordable(), options.map_bytes_max);
  // LMDB itself never maps less than what the file's header says is in use.
  if (stat((options.directory + "/data.mdb").c_str(), &info) == 0)
    map_bytes = std::max(map_bytes, static_cast<uint64_t>(info.st_size) + map_bytes_least);
  if (auto err = result->open_env(map_bytes))
    return err;
  if (auto err = result->extend_short_file(notes))
    return err;
  if (auto err = result->open_tables(existed))
    return err;
  result->make_reserve();
  return result;
}

caf::expected<std::unique_ptr<environment>>
environment::open_within(std::shared_ptr<environment> host, const std::string& prefix) {
  std::unique_ptr<environment> result{new environment{host->options_}};
  result->host_ = std::move(host);
  result->prefix_ = prefix;
  auto* guest = result.get();
  auto err = guest->host_->write([guest](MDB_txn* txn) { return guest->open_guest_tables(txn); });
  if (err)
    return err;
  std::lock_guard guard{guest->host_->writing_};
  guest->host_->guests_.insert(guest);
  return result;
}

environment::~environment() {
  close();
  if (!host_)
    return;
  // Where they cannot be removed they stay in a file that nobody reads again.
  static_cast<void>(host_->write([this](MDB_txn* txn) {
    for (auto dbi : dbis_)
      if (int rc = mdb_drop(txn, dbi, 1); rc != 0)
        return rc;
    return 0;
  }));
  std::lock_guard guard{host_->writing_};
  host_->guests_.erase(this);
}

int environment::open_guest_tables(MDB_txn* txn) {
  for (size_t i = 0; i < forms.size(); ++i)
    if (int rc = mdb_dbi_open(txn, (prefix_ + forms[i].name).c_str(), forms[i].flags | MDB_CREATE,
                              &dbis_[i]);
        rc != 0)
      return rc;
  return 0;
}

namespace {

/// By how much the file grows before its pages are released.
constexpr uint64_t release_bytes = 8u << 20;

/// Where a file is mapped into this process; null when that cannot be found out.
char* mapping_of(int fd) {
  struct stat file {};
  if (fstat(fd, &file) != 0)
    return nullptr;
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, inode = 0;
    unsigned major_of = 0, minor_of = 0;
    char rights[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%*x %4s %*s %x:%x %lu", &begin, rights, &major_of, &minor_of,
                    &inode) == 5
        && rights[3] == 's' && inode == file.st_ino && makedev(major_of, minor_of) == file.st_dev)
      return reinterpret_cast<char*>(begin);
  }
  return nullptr;
}

} // namespace

void environment::close() {
  if (env_ != nullptr)
    mdb_env_close(env_);
  env_ = nullptr;
  map_begin_ = nullptr;
}

/// Every page of the file that was looked at stays mapped, and counts as memory of ours: a million
/// jobs would be half a gigabyte. From time to time all are let go; the kernel has them still, and
/// who needs one has it again in a microsecond.
void environment::release_pages() {
  auto bytes = file_bytes();
  if (bytes < released_bytes_ + release_bytes)
    return;
  released_bytes_ = bytes;
  ::madvise(map_begin_, bytes, MADV_DONTNEED);
}

/// What of the map is backed by the file; 0 when that, or where the map is, is not known.
uint64_t environment::file_bytes() const {
  MDB_envinfo info{};
  if (map_begin_ == nullptr || mdb_env_info(env_, &info) != 0)
    return 0;
  auto bytes = (info.me_last_pgno + 1) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::min(bytes, map_bytes_);
}

void environment::looked_at(uint64_t bytes) const {
  if (host_)
    return host_->looked_at(bytes);
  if (looked_at_.fetch_add(bytes) + bytes < release_bytes)
    return;
  looked_at_ = 0;
  std::shared_lock guard{mutex_};
  if (auto all = file_bytes(); all > 0)
    ::madvise(map_begin_, all, MADV_DONTNEED);
}

caf::error environment::failure(int rc, std::string_view what) const {
  std::string text = options_.directory + "/data.mdb: " + std::string{what} + ": ";
  const auto with = [&](ec code, std::string_view tail) {
    return make_error(code, text.append(tail));
  };
  switch (rc) {
  case ENOSPC:
  case EDQUOT:
    return with(ec::disk_full, full_text(rc));
  case MDB_MAP_FULL:
    return with(ec::disk_full,
                "the journal may not grow beyond " + std::to_string(map_bytes_ >> 20) + " MiB");
  case MDB_INVALID:
    return with(ec::store_corrupt, "not a file of hactor's journal");
  case MDB_VERSION_MISMATCH:
    return with(ec::store_corrupt, "written by another LMDB format");
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
    return with(ec::store_corrupt, "damaged; restore the directory from a copy");
  case EIO: {
    // A short write on a disk that has just become full is EIO for LMDB.
    struct statvfs space {};
    if (statvfs(options_.directory.c_str(), &space) == 0
        && space.f_bavail * space.f_frsize < map_bytes_least)
      return with(ec::disk_full, full_text(ENOSPC));
    return with(ec::store_failed, mdb_strerror(rc));
  }
  default:
    return with(ec::store_failed, mdb_strerror(rc));
  }
}

caf::error environment::open_env(uint64_t map_bytes) {
  unsigned flags = MDB_NOTLS;
  if (!options_.sync)
    flags |= MDB_NOSYNC;
  if (options_.read_only) {
    flags |= MDB_RDONLY;
    // Where the lock file cannot be opened nobody writes through it from here either.
    if (access((options_.directory + "/lock.mdb").c_str(), R_OK | W_OK) != 0)
      flags |= MDB_NOLOCK;
  } else {
    const auto path = options_.directory + "/lock.mdb";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
      return make_errno_error(ec::store_failed, path, errno);
    const int rc = posix_fallocate(fd, 0, lock_file_bytes);
    ::close(fd);
    if (rc != 0)
      return make_errno_error(rc == ENOSPC || rc == EDQUOT ? ec::disk_full : ec::store_failed, path,
                              rc);
  }
  // Less address space than asked for is better than no journal.
  for (int rc = ENOMEM; rc == ENOMEM; map_bytes /= 2) {
    if (rc = mdb_env_create(&env_); rc != 0)
      return failure(rc, "open");
    catch_assertions(env_);
    mdb_env_set_maxdbs(env_, static_cast<MDB_dbi>(table::table_count) * (1 + options_.guests_max));
    mdb_env_set_mapsize(env_, map_bytes);
    rc = mdb_env_open(env_, options_.directory.c_str(), flags, 0600);
    if (rc == 0) {
      map_bytes_ = map_bytes;
      int fd = -1;
      map_begin_ = mdb_env_get_fd(env_, &fd) == 0 ? mapping_of(fd) : nullptr;
      return {};
    }
    close();
    if (rc != ENOMEM || map_bytes < 2 * map_bytes_least)
      return failure(rc, "open");
  }
  return {};
}

// A file that lost its end (a copy cut short, a file system after a crash) must not raise SIGBUS:
// the missing pages become zero pages, which LMDB reports and the readers step over. Pages at the
// end that were never written are also normal, so a short file alone is no damage.
caf::error environment::extend_short_file(std::vector<std::string>* notes) {
  MDB_envinfo info{};
  MDB_stat stat_of{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat_of);
  int fd = -1;
  struct stat file {};
  if (mdb_env_get_fd(env_, &fd) != 0 || fstat(fd, &file) != 0)
    return failure(errno, "stat");
  const uint64_t needed = (info.me_last_pgno + 1) * stat_of.ms_psize;
  const auto found = static_cast<uint64_t>(file.st_size);
  if (found == 0 || found >= needed)
    return {};
  if (options_.read_only)
    return make_error(ec::store_corrupt, options_.directory
                                             + "/data.mdb: cut short: " + std::to_string(found)
                                             + " of " + std::to_string(needed) + " bytes");
  if (ftruncate(fd, static_cast<off_t>(needed)) != 0)
    return failure(errno, "extend");
  notes->push_back(options_.directory + "/data.mdb: " + std::to_string(needed - found)
                   + " bytes at its end were never written or are lost");
  return {};
}

int environment::open_tables_in(MDB_txn* txn, bool* existed, caf::error* why) {
  MDB_dbi main = 0;
  MDB_stat stat_of{};
  if (int rc = mdb_dbi_open(txn, nullptr, 0, &main); rc != 0)
    return rc;
  if (int rc = mdb_stat(txn, main, &stat_of); rc != 0)
    return rc;
  *existed = stat_of.ms_entries > 0;
  for (size_t i = 0; i < forms.size(); ++i) {
    const bool old = *existed && !forms[i].added;
    const unsigned create = old || options_.read_only ? 0 : MDB_CREATE;
    const int rc = mdb_dbi_open(txn, forms[i].name, forms[i].flags | create, &dbis_[i]);
    if (rc == MDB_NOTFOUND && forms[i].added) {
      dbis_[i] = dbi(table::meta); // which has none of its keys
      continue;
    }
    if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE) {
      *why = *existed ? make_error(ec::store_corrupt,
                                   options_.directory
                                       + "/data.mdb: an LMDB file that hactor did not write (table "
                                       + forms[i].name + " is missing)")
                      : make_error(ec::store_failed, options_.directory + ": holds no journal");
      return rc;
    }
    if (rc != 0)
      return rc;
  }
  MDB_val key = val_of(format_key), value{};
  int rc = get_value(txn, dbi(table::meta), &key, &value);
  if (rc == 0) {
    const auto found = std::string{view_of(value)};
    const bool older = std::count(older_formats.begin(), older_formats.end(), found) != 0;
    if (found == format_version || (older && options_.read_only))
      return 0;
    if (!older) {
      *why = make_error(ec::store_corrupt,
                        options_.directory + "/data.mdb: journal of format " + found
                            + "; this hactor reads format " + std::string{format_version}
                            + ": use the hactor that wrote it, or another state directory");
      return MDB_VERSION_MISMATCH;
    }
  } else if (rc != MDB_NOTFOUND) {
    return rc;
  } else if (*existed) {
    *why = make_error(ec::store_corrupt,
                      options_.directory + "/data.mdb: hactor did not write it (no format)");
    return MDB_INCOMPATIBLE;
  }
  value = val_of(format_version);
  return put_value(txn, dbi(table::meta), &key, &value, 0);
}

caf::error environment::open_tables(bool* existed) {
  MDB_txn* txn = nullptr;
  caf::error why;
  int rc = mdb_txn_begin(env_, nullptr, options_.read_only ? MDB_RDONLY : 0, &txn);
  if (rc != 0)
    return failure(rc, "begin");
  rc = open_tables_in(txn, existed, &why);
  for (auto it = guests_.begin(); rc == 0 && it != guests_.end(); ++it)
    rc = (*it)->open_guest_tables(txn);
  if (rc == 0)
    rc = mdb_txn_commit(txn); // also when only reading: an abort would close the tables again
  else
    mdb_txn_abort(txn);
  if (why)
    return why;
  return rc == 0 ? caf::error{} : failure(rc, "open tables");
}

caf::error environment::reopen(uint64_t map_bytes) {
  std::unique_lock lock{mutex_};
  close();
  if (auto err = open_env(map_bytes))
    return err;
  bool existed = false;
  if (auto err = open_tables(&existed)) {
    close();
    return err;
  }
  return {};
}

caf::error environment::grow() {
  const auto before = map_bytes_;
  if (before >= options_.map_bytes_max)
    return failure(MDB_MAP_FULL, "commit");
  if (auto err = reopen(std::min(before * 2, options_.map_bytes_max)))
    return err;
  // Opening takes less when the address space is limited; then there is nothing to gain.
  return map_bytes_ > before ? caf::error{} : failure(MDB_MAP_FULL, "commit");
}

caf::expected<environment::snapshot> environment::read() const {
  if (host_)
    return host_->read();
  std::shared_lock lock{mutex_};
  if (env_ == nullptr)
    return make_error(ec::store_failed, options_.directory + "/data.mdb: could not be reopened");
  MDB_txn* txn = nullptr;
  if (int rc = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn); rc != 0)
    return failure(rc, "begin");
  return snapshot{std::move(lock), txn};
}

int environment::write_once(const std::function<int(MDB_txn*)>& apply) {
  MDB_txn* txn = nullptr;
  if (int rc = mdb_txn_begin(env_, nullptr, 0, &txn); rc != 0)
    return rc;
  if (int rc = apply(txn); rc != 0) {
    mdb_txn_abort(txn);
    return rc;
  }
  return mdb_txn_commit(txn);
}

caf::error environment::write(const std::function<int(MDB_txn*)>& apply) {
  if (host_)
    return host_->write(apply);
  std::lock_guard guard{writing_};
  if (options_.read_only)
    return make_error(ec::store_failed, options_.directory + "/data.mdb: opened for reading only");
  if (env_ == nullptr) { // an earlier reopening failed
    if (auto err = reopen(map_bytes_))
      return err;
  }
  for (;;) {
    const int rc = write_once(apply);
    if (rc == 0) {
      release_pages();
      return {};
    }
    if (rc == MDB_MAP_FULL) {
      if (auto err = grow())
        return err;
      continue;
    }
    if (rc == refused)
      return make_error(ec::bad_argument, "refused");
    // After a failed write of its header LMDB refuses all work; a fresh environment starts from the
    // last commit, whatever failed.
    auto err = failure(rc, "commit");
    if (auto again = reopen(map_bytes_))
      return again;
    return err;
  }
}

caf::error environment::write_freeing(const std::function<int(MDB_txn*)>& apply) {
  if (host_)
    return host_->write_freeing(apply);
  auto err = write(apply);
  if (!err || code_of(err) != ec::disk_full
      || unlink((options_.directory + "/reserve").c_str()) != 0)
    return err;
  return write(apply);
}

caf::error environment::write_ending(const std::function<int(MDB_txn*)>& apply) {
  if (host_)
    return host_->write_ending(apply);
  auto err = write(apply);
  if (!err || code_of(err) != ec::disk_full)
    return err;
  const auto path = options_.directory + "/reserve";
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || info.st_size <= reserve_bytes / 2
      || ::truncate(path.c_str(), reserve_bytes / 2) != 0)
    return err;
  return write(apply);
}

void environment::make_reserve() {
  if (host_)
    return host_->make_reserve();
  if (options_.read_only)
    return;
  const auto path = options_.directory + "/reserve";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  struct stat info {};
  if (fd < 0 || fstat(fd, &info) != 0 || info.st_size >= reserve_bytes) {
    ::close(fd);
    return; // it is there
  }
  // On a disk that is nearly full a smaller one is better than none.
  const auto had = info.st_size;
  auto bytes = reserve_bytes;
  while (bytes > had && bytes >= reserve_bytes_least && posix_fallocate(fd, 0, bytes) != 0)
    bytes = ftruncate(fd, had) == 0 ? bytes / 2 : 0;
  if (std::max<off_t>(bytes, had) < reserve_bytes_least)
    unlink(path.c_str());
  ::close(fd);
}

uint64_t environment::entries(table t) const {
  auto at = read();
  MDB_stat stat_of{};
  if (!at || mdb_stat(at->txn(), dbi(t), &stat_of) != 0)
    return 0;
  return stat_of.ms_entries;
}

uint64_t environment::bytes_used() const {
  auto at = read();
  if (!at)
    return 0;
  uint64_t bytes = 0;
  for (const auto dbi : dbis_) {
    MDB_stat stat_of{};
    if (mdb_stat(at->txn(), dbi, &stat_of) == 0)
      bytes += (stat_of.ms_branch_pages + stat_of.ms_leaf_pages + stat_of.ms_overflow_pages)
               * stat_of.ms_psize;
  }
  return bytes;
}

} // namespace hactor
