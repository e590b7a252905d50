// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_files.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/owned_fd.hpp"
#include "runtime/base64.hpp"

namespace hactor {

namespace {

constexpr const char* where = "attributes.system.files";

caf::error bad(const std::string& path, const std::string& what) {
  return make_error(ec::bad_jobspec, fmt::format("{}.{}: {}", where, path, what));
}

/// Relative, and nowhere up: a file must not land outside of the job's folder.
bool is_below(const std::string& path) {
  if (path.empty() || path.find('\0') != path.npos)
    return false;
  for (size_t start = 0; start <= path.size();) {
    auto end = std::min(path.find('/', start), path.size());
    auto part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == "..")
      return false;
    start = end + 1;
  }
  return true;
}

caf::expected<job_file> read_file(const std::string& path, const json& f) {
  if (!is_below(path))
    return bad(path, "must be a path below the job's folder, without . and ..");
  auto mode = f.is_object() ? f.find("mode") : f.end();
  if (!f.is_object() || mode == f.end() || !mode->is_number_unsigned() || *mode > UINT32_MAX)
    return bad(path, "must be a mapping with mode, an st_mode");
  job_file file{path, mode->get<uint32_t>(), {}};
  auto kind = file.mode & S_IFMT;
  if (kind != S_IFREG && kind != S_IFDIR && kind != S_IFLNK)
    return bad(path + ".mode", "must be that of a regular file, a folder or a symbolic link");
  auto data = f.find("data");
  auto encoding = f.find("encoding");
  if (data == f.end()) {
    auto size = f.find("size");
    if (kind == S_IFLNK || (size != f.end() && *size != 0))
      return bad(path + ".data", "missing");
    return file;
  }
  if (encoding == f.end() && kind == S_IFREG) {
    file.data = dump(*data); // JSON that is the content
    return file;
  }
  if (!data->is_string())
    return bad(path + ".data", "must be a text; files in blobs are not taken");
  file.data = data->get<std::string>();
  if (encoding != f.end() && *encoding == "base64") {
    auto bytes = decode_base64(file.data);
    if (!bytes)
      return bad(path + ".data", "is not base64");
    file.data = std::move(*bytes);
  } else if (encoding != f.end() && *encoding != "utf-8") {
    return bad(path + ".encoding", "must be utf-8 or base64");
  }
  return file;
}

/// Makes the folders above a path.
void make_folders(const std::string& folder, const std::string& path) {
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
    ::mkdir((folder + "/" + path.substr(0, slash)).c_str(), 0700);
}

bool write_file(const std::string& name, const job_file& file) {
  owned_fd fd{::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd)
    return false;
  std::string_view rest = file.data;
  while (!rest.empty()) {
    auto n = ::write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return ::fchmod(fd.get(), file.mode & 0777) == 0;
}

} // namespace

caf::expected<std::vector<job_file>> read_job_files(const json& files) {
  std::vector<job_file> all;
  auto add = [&all](const std::string& path, const json& f) -> caf::error {
    auto file = read_file(path, f);
    if (!file)
      return std::move(file.error());
    all.push_back(std::move(*file));
    return {};
  };
  if (files.is_object()) {
    for (auto& [path, f] : files.items())
      if (auto e = add(path, f))
        return e;
    return all;
  }
  if (!files.is_array())
    return make_error(ec::bad_jobspec,
                      fmt::format("{}: must be a mapping of paths to files", where));
  for (auto& f : files) {
    auto path = f.is_object() ? f.find("path") : f.end();
    if (!f.is_object() || path == f.end() || !path->is_string())
      return make_error(ec::bad_jobspec, fmt::format("{}: every file of a list has a path", where));
    if (auto e = add(path->get<std::string>(), f))
      return e;
  }
  return all;
}

caf::error write_job_files(const std::vector<job_file>& files, const std::string& folder) {
  for (auto& file : files) {
    auto name = folder + "/" + file.path;
    make_folders(folder, file.path);
    auto kind = file.mode & S_IFMT;
    auto made = kind == S_IFDIR   ? ::mkdir(name.c_str(), file.mode & 0777) == 0 || errno == EEXIST
                : kind == S_IFLNK ? ::symlink(file.data.c_str(), name.c_str()) == 0
                                  : write_file(name, file);
    if (!made)
      return make_errno_error(ec::exec_failed, "file " + name, errno);
  }
  return {};
}

} // namespace hactor
