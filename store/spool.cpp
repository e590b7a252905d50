// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/spool.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/spool_freed.hpp"
#include "store/spool_record.hpp"

namespace hactor {

namespace {

constexpr uint64_t segment_bytes_max = 1ull << 32; // offsets of index addresses have 32 bits
constexpr std::string_view name_prefix = "segment-";

/// How much of an index is read with its head: all of it for most jobs.
constexpr uint64_t index_read_bytes = 512;

/// Less than this is no hole, which whole pages make; and no reason to begin another segment.
constexpr uint64_t hole_bytes_min = 32 << 10;

caf::error system_error(const std::string& path, int why) {
  return make_errno_error(why == ENOSPC || why == EDQUOT ? ec::disk_full : ec::store_failed, path,
                          why);
}

/// A descriptor that closes itself.
class descriptor {
public:
  explicit descriptor(int fd = -1) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

// Reads `size` bytes at `offset`; fewer at the end of the file.
caf::expected<std::string> read_file(const std::string& path, uint64_t offset, uint64_t size) {
  descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0)
    return errno == ENOENT ? make_error(ec::unknown_key, path + ": this output was removed")
                           : system_error(path, errno);
  std::string result(size, '\0');
  size_t done = 0;
  while (done < size) {
    const auto n =
        pread(file.get(), result.data() + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno != EINTR)
      return system_error(path, errno);
    if (n == 0)
      break;
    done += n > 0 ? static_cast<size_t>(n) : 0;
  }
  result.resize(done);
  return result;
}

std::optional<uint32_t> number_of(std::string_view name) {
  if (!name.starts_with(name_prefix))
    return std::nullopt;
  name.remove_prefix(name_prefix.size());
  uint32_t number = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (failed != std::errc{} || end != name.data() + name.size() || number == 0)
    return std::nullopt;
  return number;
}

/// An index as it lies in a segment.
struct stored_index {
  job_id id;
  std::vector<spool_part> parts;
  spool_extent place;
};

/// Adds an extent; one that continues the last lengthens it.
void add_extent(std::vector<spool_extent>& extents, const spool_extent& e) {
  if (e.size == 0)
    return;
  if (!extents.empty()) {
    auto& last = extents.back();
    if (last.segment == e.segment && last.offset + last.size == e.offset
        && uint64_t{last.size} + e.size < UINT32_MAX) {
      last.size += e.size;
      return;
    }
  }
  extents.push_back(e);
}

} // namespace

struct spool::impl {
  spool_options options;
  mutable std::mutex mutex;           // all below; held while writing, never while reading files
  std::map<uint32_t, uint64_t> sizes; // of each segment, with what is buffered
  uint32_t newest = 0;                // highest number ever used
  descriptor file;                    // of the newest, when it is being appended to
  uint64_t written = 0;               // bytes of the newest that the kernel has
  std::string buffer;                 // what follows them
  spool_freed freed;

  std::string path_of(uint32_t segment) const {
    char name[32];
    std::snprintf(name, sizeof name, "/segment-%08u", segment);
    return options.directory + name;
  }

  caf::error flush();
  caf::error begin_segment();
  caf::error resume(spool_findings& found);
  caf::expected<spool_extent> append(const spool_record& r);
  uint64_t size_of(uint32_t segment) const;
  caf::expected<stored_index> index_at(uint64_t address) const;
  void give_up(std::vector<spool_extent> extents);
  bool erase_if_freed(uint32_t segment);
  caf::error erase(uint32_t segment);
  void make_hole(const spool_extent& e) const;
  caf::expected<std::string> bytes_at(uint32_t segment, uint64_t offset, uint64_t size) const;
};

spool::spool() : impl_(std::make_unique<impl>()) {}

spool::~spool() { impl_->flush(); }

caf::expected<std::unique_ptr<spool>> spool::open(const spool_options& options,
                                                  spool_findings* findings) {
  namespace fs = std::filesystem;
  if (options.segment_bytes <= spool_head_bytes || options.segment_bytes > segment_bytes_max)
    return make_error(ec::bad_argument, "spool: segment_bytes is "
                                            + std::to_string(options.segment_bytes)
                                            + ", must be 25 to 4294967296");
  spool_findings unwanted;
  auto& found = findings != nullptr ? *findings : unwanted;
  std::unique_ptr<spool> result{new spool};
  auto& i = *result->impl_;
  i.options = options;
  std::error_code failed;
  fs::directory_iterator at{options.directory, failed};
  if (failed && failed.value() != ENOENT)
    return system_error(options.directory, failed.value());
  for (const fs::directory_iterator end; !failed && at != end; at.increment(failed)) {
    const auto number = number_of(at->path().filename().native());
    if (!number)
      continue;
    std::error_code ignored; // a size that cannot be had is 0: reading it will tell
    const auto size = at->file_size(ignored);
    i.sizes[*number] = ignored ? 0 : size;
    i.newest = std::max(i.newest, *number);
  }
  found.segments = static_cast<uint32_t>(i.sizes.size());
  i.freed.load(options.directory);
  if (i.newest != 0)
    if (auto err = i.resume(found))
      return err;
  const auto sizes = i.sizes;
  for (const auto& [segment, size] : sizes)
    if (segment != i.newest) // which others may be writing
      i.erase_if_freed(segment);
  return result;
}

// Checks the newest segment and goes on in it when it ends with a whole record. A torn tail stays
// where it is (nothing is ever cut off); the next record begins a new segment.
caf::error spool::impl::resume(spool_findings& found) {
  const auto path = path_of(newest);
  auto content = read_file(path, 0, sizes[newest]);
  if (!content)
    return std::move(content.error());
  std::string_view rest{*content};
  for (spool_record r; take_spool_record(rest, r);) {
  }
  if (!rest.empty()) {
    found.torn_bytes = rest.size();
    found.notes.push_back(path + ": the last " + std::to_string(rest.size())
                          + " bytes are not a whole record and left out");
    return {};
  }
  descriptor candidate{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  struct stat info {};
  if (candidate.get() < 0 || flock(candidate.get(), LOCK_EX | LOCK_NB) != 0
      || fstat(candidate.get(), &info) != 0
      || static_cast<uint64_t>(info.st_size) != content->size())
    return {}; // not ours to write: reading works all the same
  file = std::move(candidate);
  written = content->size();
  return {};
}

caf::error spool::impl::begin_segment() {
  if (auto err = flush())
    return err;
  std::error_code failed;
  const auto parent = std::filesystem::path{options.directory}.parent_path();
  if (!parent.empty())
    std::filesystem::create_directories(parent, failed); // mkdir says what is wrong
  if (mkdir(options.directory.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error(options.directory, errno);
  for (auto number = newest + 1;; ++number) {
    const auto path = path_of(number);
    descriptor made{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (made.get() < 0 && errno == EEXIST)
      continue; // another process's
    if (made.get() < 0)
      return system_error(path, errno);
    flock(made.get(), LOCK_EX | LOCK_NB); // tells others that it is being written
    file = std::move(made);
    const auto before = std::exchange(newest, number);
    sizes[number] = 0;
    written = 0;
    freed.reset(number);
    if (!erase_if_freed(before))
      freed.save();
    return {};
  }
}

caf::error spool::impl::flush() {
  size_t done = 0;
  int why = 0;
  while (done < buffer.size() && why == 0) {
    const auto n = pwrite(file.get(), buffer.data() + done, buffer.size() - done,
                          static_cast<off_t>(written + done));
    if (n > 0)
      done += static_cast<size_t>(n);
    else if (n == 0 || errno != EINTR)
      why = n == 0 ? ENOSPC : errno;
  }
  buffer.erase(0, done);
  written += done;
  return why == 0 ? caf::error{} : system_error(path_of(newest), why);
}

caf::expected<spool_extent> spool::impl::append(const spool_record& r) {
  const uint64_t size = spool_head_bytes + r.bytes.size();
  if (size > options.segment_bytes)
    return make_error(ec::too_big, "output of " + std::to_string(r.bytes.size())
                                       + " bytes at once; a segment holds "
                                       + std::to_string(options.segment_bytes));
  std::lock_guard guard{mutex};
  if (file.get() < 0 || written + buffer.size() + size > options.segment_bytes)
    if (auto err = begin_segment())
      return err;
  // What does not fit into the buffer is only taken once the buffer is out: so it stays bounded,
  // and a full disk refuses output instead of losing it.
  if (!buffer.empty() && buffer.size() + size > options.buffer_bytes)
    if (auto err = flush())
      return err;
  const spool_extent extent{newest, written + buffer.size(), static_cast<uint32_t>(size)};
  encode_spool_record(buffer, r);
  sizes[newest] = written + buffer.size();
  return extent;
}

caf::expected<std::string> spool::impl::bytes_at(uint32_t segment, uint64_t offset,
                                                 uint64_t size) const {
  std::string buffered;
  {
    std::lock_guard guard{mutex};
    const auto at = sizes.find(segment);
    if (at == sizes.end())
      return make_error(ec::unknown_key, path_of(segment) + ": this output was removed");
    if (offset > at->second || size > at->second - offset)
      return make_error(ec::store_corrupt,
                        path_of(segment) + ": no record at " + std::to_string(offset));
    if (segment == newest && file.get() >= 0 && offset + size > written) {
      const auto start = std::max(offset, written);
      buffered = buffer.substr(start - written, offset + size - start);
    }
  }
  if (buffered.size() == size)
    return buffered;
  auto result = read_file(path_of(segment), offset, size - buffered.size());
  if (result)
    *result += buffered;
  return result;
}

caf::expected<spool_extent> spool::append(job_id id, uint32_t task, uint8_t stream,
                                          std::string_view bytes) {
  if (bytes.empty())
    return spool_extent{};
  return impl_->append({id, task, stream, spool_kind::output, bytes});
}

caf::expected<uint64_t> spool::append_index(job_id id, const std::vector<spool_part>& index) {
  std::string bytes;
  encode_spool_index(bytes, index);
  auto extent = impl_->append({id, 0, 0, spool_kind::index, bytes});
  if (!extent)
    return std::move(extent.error());
  return static_cast<uint64_t>(extent->segment) << 32 | extent->offset;
}

caf::error spool::flush() {
  std::lock_guard guard{impl_->mutex};
  return impl_->flush();
}

caf::error spool::sync() {
  std::lock_guard guard{impl_->mutex};
  if (auto err = impl_->flush())
    return err;
  if (impl_->file.get() >= 0 && fdatasync(impl_->file.get()) != 0)
    return system_error(impl_->path_of(impl_->newest), errno);
  return {};
}

caf::expected<std::string> spool::read(const spool_extent& extent) const {
  if (extent.size == 0)
    return std::string{};
  auto raw = impl_->bytes_at(extent.segment, extent.offset, extent.size);
  if (!raw)
    return raw;
  std::string result;
  std::string_view rest{*raw};
  while (!rest.empty()) {
    spool_record r;
    if (!take_spool_record(rest, r) || r.kind != spool_kind::output)
      return make_error(ec::store_corrupt, impl_->path_of(extent.segment) + ": damaged output near "
                                               + std::to_string(extent.offset));
    result += r.bytes;
  }
  return result;
}

caf::expected<stored_index> spool::impl::index_at(uint64_t address) const {
  const auto segment = static_cast<uint32_t>(address >> 32);
  const uint64_t offset = address & 0xffffffff;
  const auto fail = [&] {
    return make_error(ec::store_corrupt,
                      path_of(segment) + ": no index at " + std::to_string(offset));
  };
  const auto end = size_of(segment);
  const auto there = end > offset ? end - offset : spool_head_bytes; // reading tells what is wrong
  auto raw = bytes_at(segment, offset, std::min(there, index_read_bytes));
  if (!raw)
    return std::move(raw.error());
  if (raw->size() < spool_head_bytes)
    return fail();
  uint32_t size = 0;
  std::copy_n(raw->data() + sizeof size, sizeof size, reinterpret_cast<char*>(&size));
  const auto whole = spool_head_bytes + size;
  if (raw->size() < whole) {
    raw = bytes_at(segment, offset, whole);
    if (!raw)
      return std::move(raw.error());
  }
  std::string_view in{*raw};
  spool_record r;
  stored_index index;
  if (!take_spool_record(in, r) || r.kind != spool_kind::index
      || !decode_spool_index(r.bytes, index.parts))
    return fail();
  index.id = r.id;
  index.place = {segment, offset, static_cast<uint32_t>(whole)};
  return index;
}

caf::expected<std::vector<spool_part>> spool::read_index(uint64_t address) const {
  auto index = impl_->index_at(address);
  if (!index)
    return std::move(index.error());
  return std::move(index->parts);
}

caf::error spool::each_part(uint32_t segment,
                            const std::function<bool(job_id, const spool_part&)>& f) const {
  uint64_t size = 0;
  {
    std::lock_guard guard{impl_->mutex};
    const auto at = impl_->sizes.find(segment);
    size = at == impl_->sizes.end() ? 0 : at->second;
  }
  auto raw = impl_->bytes_at(segment, 0, size);
  if (!raw)
    return std::move(raw.error());
  std::string_view rest{*raw};
  spool_record r;
  for (uint64_t offset = 0; take_spool_record(rest, r); offset = raw->size() - rest.size()) {
    const auto bytes = static_cast<uint32_t>(raw->size() - rest.size() - offset);
    if (r.kind == spool_kind::output && !f(r.id, {r.task, r.stream, {segment, offset, bytes}}))
      return {};
  }
  return {};
}

std::vector<spool::segment_info> spool::segments() const {
  std::lock_guard guard{impl_->mutex};
  std::vector<segment_info> result;
  for (const auto& [number, size] : impl_->sizes)
    result.push_back({number, size});
  return result;
}

// -- giving up ------------------------------------------------------------------------------------

uint64_t spool::impl::size_of(uint32_t segment) const {
  std::lock_guard guard{mutex};
  const auto at = sizes.find(segment);
  return at == sizes.end() ? 0 : at->second;
}

/// What is freed is counted before any of it goes: a crash in between leaves bytes that nobody has.
void spool::impl::give_up(std::vector<spool_extent> extents) {
  std::lock_guard guard{mutex};
  std::erase_if(extents, [this](const spool_extent& e) { return sizes.count(e.segment) == 0; });
  std::set<uint32_t> touched;
  for (const auto& e : extents) {
    freed.add(e.segment, e.size);
    touched.insert(e.segment);
  }
  freed.save();
  for (const auto segment : touched)
    erase_if_freed(segment);
  for (const auto& e : extents)
    if (sizes.count(e.segment) != 0)
      make_hole(e);
}

/// True when it was; the counts are saved then. Requires: the mutex is held.
bool spool::impl::erase_if_freed(uint32_t segment) {
  const auto at = sizes.find(segment);
  if (at == sizes.end() || at->second == 0 || freed.of(segment) < at->second
      || (segment == newest && at->second < hole_bytes_min))
    return false;
  return !erase(segment);
}

/// Requires: the mutex is held.
void spool::impl::make_hole(const spool_extent& e) const {
  auto end = e.offset + e.size;
  if (e.segment == newest && file.get() >= 0)
    end = std::min(end, written); // what is buffered has no room yet
  if (end < e.offset + hole_bytes_min)
    return;
  const descriptor at{::open(path_of(e.segment).c_str(), O_WRONLY | O_CLOEXEC)};
  if (at.get() >= 0)
    (void)fallocate(at.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(e.offset), static_cast<off_t>(end - e.offset));
}

size_t spool::forget(const std::vector<std::pair<job_id, uint64_t>>& jobs) {
  std::vector<spool_extent> extents;
  size_t count = 0;
  for (const auto& [id, address] : jobs) {
    const auto index = impl_->index_at(address);
    if (!index || index->id != id)
      continue;
    for (const auto& part : index->parts)
      add_extent(extents, part.extent);
    add_extent(extents, index->place);
    ++count;
  }
  impl_->give_up(std::move(extents));
  return count;
}

void spool::forget_parts(const std::vector<spool_part>& parts) {
  std::vector<spool_extent> extents;
  for (const auto& part : parts)
    add_extent(extents, part.extent);
  impl_->give_up(std::move(extents));
}

void spool::forget_index(job_id id, uint64_t address) {
  if (const auto index = impl_->index_at(address); index && index->id == id)
    impl_->give_up({index->place});
}

caf::error spool::impl::erase(uint32_t segment) {
  const auto path = path_of(segment);
  if (sizes.count(segment) == 0)
    return make_error(ec::unknown_key, path + ": no such segment");
  if (segment == newest) {
    // A successor is made at once, so that the number is never given again after a restart, when
    // some index may still name it. On a full disk erasing matters more.
    file = descriptor{};
    buffer.clear();
    written = 0;
    if (begin_segment())
      file = descriptor{};
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return system_error(path, errno);
  sizes.erase(segment);
  freed.reset(segment);
  freed.save();
  return {};
}

caf::error spool::erase_segment(uint32_t segment) {
  std::lock_guard guard{impl_->mutex};
  return impl_->erase(segment);
}

} // namespace hactor
