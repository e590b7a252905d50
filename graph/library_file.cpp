// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/library_file.hpp"

#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hactor {

namespace {

using elf_header = ElfW(Ehdr);
using elf_segment = ElfW(Phdr);

/// An open file, and how many bytes it has.
class library_file {
public:
  explicit library_file(const std::string& path)
      : fd_{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)} {
    code_ = fd_ < 0 || ::fstat(fd_, &is_) != 0 ? errno : 0;
  }
  library_file(const library_file&) = delete;
  library_file& operator=(const library_file&) = delete;
  ~library_file() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  int code() const { return code_; }
  bool regular() const { return S_ISREG(is_.st_mode); }
  uint64_t size() const { return static_cast<uint64_t>(is_.st_size); }
  bool has(uint64_t offset, uint64_t bytes) const {
    return offset <= size() && bytes <= size() - offset;
  }
  bool read(void* to, uint64_t offset, size_t bytes) const {
    return ::pread(fd_, to, bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes);
  }

private:
  int fd_;
  int code_ = 0;
  struct stat is_ {};
};

caf::error cut_off(const library_file& file, std::string_view what) {
  return make_error(
      ec::bad_argument,
      fmt::format("is cut off: it has {} bytes, and {} would be behind them", file.size(), what));
}

} // namespace

caf::error check_library_file(const std::string& path) {
  library_file file{path};
  if (file.code() != 0)
    return make_error(ec::bad_argument, std::strerror(file.code()));
  if (!file.regular())
    return make_error(ec::bad_argument, "is no regular file");
  elf_header header;
  constexpr unsigned char own_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  if (!file.read(&header, 0, sizeof header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0
      || header.e_ident[EI_CLASS] != own_class
      || (header.e_phnum > 0 && header.e_phentsize != sizeof(elf_segment)))
    return {};
  auto table_bytes = uint64_t{header.e_phnum} * header.e_phentsize;
  if (!file.has(header.e_phoff, table_bytes))
    return cut_off(file, "its segment table");
  if (header.e_shoff != 0
      && !file.has(header.e_shoff, uint64_t{header.e_shnum} * header.e_shentsize))
    return cut_off(file, "its section table");
  std::vector<elf_segment> segments(header.e_phnum);
  if (!file.read(segments.data(), header.e_phoff, table_bytes))
    return cut_off(file, "its segment table");
  for (auto& s : segments)
    if (s.p_type == PT_LOAD && !file.has(s.p_offset, s.p_filesz))
      return cut_off(file, "one of its segments");
  return {};
}

} // namespace hactor
