// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/archive.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <sys/stat.h>

#include "runtime/base64.hpp"
#include "runtime/utf8_text.hpp"
#include "store/kvs_tree.hpp"

namespace hactor {

namespace {

/// Reads one archive; errors say where it is.
class archive_reader {
public:
  explicit archive_reader(json_where where) : where_{where} {}

  caf::expected<archive_file> file(const std::string& path, const json& f) const;
  caf::error fault(const std::string& what) const {
    return make_error(where_.code, fmt::format("{}: {}", where_.prefix, what));
  }

private:
  caf::error bad(const std::string& path, const std::string& what) const {
    return make_error(where_.code, fmt::format("{}.{}: {}", where_.prefix, path, what));
  }
  caf::error size(const json& f, archive_file& file, bool& has_size) const;
  caf::error pieces(const json& data, archive_file& file) const;
  caf::error text(const json& data, bool is_base64, bool has_size, archive_file& file) const;
  caf::error content(const json& f, archive_file& file) const;
  caf::error target(const json& f, archive_file& file) const;

  json_where where_;
};

/// A whole number that is not below 0.
std::optional<uint64_t> natural(const json& value) {
  return value.is_number_unsigned() ? std::optional{value.get<uint64_t>()} : std::nullopt;
}

caf::error archive_reader::size(const json& f, archive_file& file, bool& has_size) const {
  auto said = f.find("size");
  has_size = said != f.end();
  if (!has_size)
    return {};
  auto n = natural(*said);
  if (!n || *n > INT64_MAX)
    return bad(file.path + ".size", "must be a number of bytes");
  file.size = *n;
  return {};
}

/// [[OFFSET, SIZE, BLOBREF], ...]
caf::error archive_reader::pieces(const json& data, archive_file& file) const {
  auto where = file.path + ".data";
  if (!data.is_array())
    return bad(where, "must be a list of [OFFSET, SIZE, BLOBREF]");
  uint64_t end = 0;
  for (auto& one : data) {
    auto offset = one.is_array() && one.size() == 3 ? natural(one[0]) : std::nullopt;
    auto size = offset ? natural(one[1]) : std::nullopt;
    if (!size || !one[2].is_string() || *size == 0
        || !parse_blobref(blob_kind::value, one[2].get_ref<const std::string&>()))
      return bad(where, "must be a list of [OFFSET, SIZE, sha256-HEX], found " + dump(one));
    if (*offset < end || *size > file.size || *offset > file.size - *size)
      return bad(where, fmt::format("blob at {} of {} bytes: must lie behind the one before and "
                                    "within the {} bytes of the file",
                                    *offset, *size, file.size));
    end = *offset + *size;
    file.pieces.push_back({*offset, *size, one[2].get<std::string>()});
  }
  return {};
}

/// Content that stands in the archive itself.
caf::error archive_reader::text(const json& data, bool is_base64, bool has_size,
                                archive_file& file) const {
  if (!data.is_string())
    return bad(file.path + ".data", "must be a text");
  file.data = data.get<std::string>();
  if (is_base64) {
    auto bytes = decode_base64(file.data);
    if (!bytes)
      return bad(file.path + ".data", "is not base64");
    file.data = std::move(*bytes);
  }
  if (has_size && file.size != file.data.size())
    return bad(file.path + ".size",
               fmt::format("is {}, and data has {} bytes", file.size, file.data.size()));
  file.size = file.data.size();
  return {};
}

caf::error archive_reader::content(const json& f, archive_file& file) const {
  bool has_size = false;
  if (auto e = size(f, file, has_size))
    return e;
  auto data = f.find("data");
  auto encoding = f.find("encoding");
  if (data == f.end()) {
    if (encoding != f.end())
      return bad(file.path + ".data", "missing");
    return {}; // empty, or one hole
  }
  if (encoding == f.end()) {
    file.data = dump(*data); // JSON that is the content
    file.size = file.data.size();
    return {};
  }
  if (*encoding == "blobvec") {
    file.in_blobs = true;
    return has_size ? pieces(*data, file) : bad(file.path + ".size", "missing");
  }
  if (*encoding != "utf-8" && *encoding != "base64")
    return bad(file.path + ".encoding", "must be utf-8, base64 or blobvec");
  return text(*data, *encoding == "base64", has_size, file);
}

/// Where a link leads.
caf::error archive_reader::target(const json& f, archive_file& file) const {
  auto data = f.find("data");
  file.data = data != f.end() && data->is_string() ? data->get<std::string>() : std::string{};
  if (file.data.empty() || file.data.find('\0') != std::string::npos)
    return bad(file.path + ".data", "must be where the link leads");
  return {};
}

caf::expected<archive_file> archive_reader::file(const std::string& path, const json& f) const {
  if (!is_archive_path(path))
    return bad(path, "must be a path below the folder, without . and ..");
  auto mode = f.is_object() ? f.find("mode") : f.end();
  if (!f.is_object() || mode == f.end() || !mode->is_number_unsigned() || *mode > UINT32_MAX)
    return bad(path, "must be a mapping with mode, an st_mode");
  archive_file file{path, mode->get<uint32_t>()};
  auto kind = file.mode & S_IFMT;
  if (kind != S_IFREG && kind != S_IFDIR && kind != S_IFLNK)
    return bad(path + ".mode", "must be that of a regular file, a folder or a symbolic link");
  if (auto mtime = f.find("mtime"); mtime != f.end()) {
    if (!mtime->is_number_integer())
      return bad(path + ".mtime", "must be seconds since the epoch");
    file.mtime_s = mtime->get<int64_t>();
  }
  if (kind == S_IFDIR)
    return file;
  if (auto e = kind == S_IFREG ? content(f, file) : target(f, file))
    return e;
  return file;
}

} // namespace

bool archive_file::is_folder() const { return S_ISDIR(mode); }
bool archive_file::is_link() const { return S_ISLNK(mode); }

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t start = 0; start <= path.size();) {
    auto end = std::min(path.find('/', start), path.size());
    parts.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::vector<std::string_view> paths_above(std::string_view path) {
  std::vector<std::string_view> above;
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
    above.push_back(path.substr(0, slash));
  return above;
}

bool is_archive_path(std::string_view path) {
  auto parts = path_parts(path);
  return path.find('\0') == path.npos
         && std::none_of(parts.begin(), parts.end(), [](std::string_view part) {
              return part.empty() || part == "." || part == "..";
            });
}

caf::expected<std::vector<archive_file>> read_archive(const json& archive, json_where where) {
  archive_reader reader{where};
  std::vector<archive_file> all;
  auto add = [&](const std::string& path, const json& f) -> caf::error {
    auto file = reader.file(path, f);
    if (!file)
      return std::move(file.error());
    all.push_back(std::move(*file));
    return {};
  };
  if (archive.is_object()) {
    for (auto& [path, f] : archive.items())
      if (auto e = add(path, f))
        return e;
    return all;
  }
  if (!archive.is_array())
    return reader.fault("must be a mapping of paths to files, or a list of files");
  for (auto& f : archive) {
    auto path = f.is_object() ? f.find("path") : f.end();
    if (!f.is_object() || path == f.end() || !path->is_string())
      return reader.fault("every file of a list has a path");
    if (auto e = add(path->get<std::string>(), f))
      return e;
  }
  return all;
}

json to_archive_json(const archive_file& file) {
  json f{{"path", file.path}, {"mode", file.mode}};
  if (file.mtime_s)
    f["mtime"] = *file.mtime_s;
  if (file.is_link())
    f["data"] = file.data;
  if (file.is_link() || file.is_folder())
    return f;
  f["size"] = file.size;
  if (file.in_blobs) {
    f["encoding"] = "blobvec";
    auto& pieces = f["data"] = json::array();
    for (auto& p : file.pieces)
      pieces.push_back({p.offset, p.size, p.blob});
  } else if (!file.data.empty()) {
    auto plain = is_utf8(file.data) && file.data.find('\0') == std::string::npos;
    f["encoding"] = plain ? "utf-8" : "base64";
    f["data"] = plain ? file.data : encode_base64(file.data);
  }
  return f;
}

namespace {

/// With the comma behind it.
size_t text_bytes_of(const archive_file& file) { return dump(to_archive_json(file)).size() + 1; }

} // namespace

archive_list::path_map::iterator archive_list::remove(path_map::iterator file) {
  text_bytes_ -= text_bytes_of(file->second) - (files_.size() == 1 ? 1 : 0);
  return files_.erase(file);
}

void archive_list::add(archive_file file) {
  if (auto same = files_.find(file.path); same != files_.end())
    remove(same);
  for (auto path : paths_above(file.path))
    if (auto above = files_.find(path); above != files_.end() && !above->second.is_folder())
      remove(above);
  auto folder = file.path + "/";
  for (auto below = files_.lower_bound(folder);
       !file.is_folder() && below != files_.end() && below->first.starts_with(folder);)
    below = remove(below);
  text_bytes_ += text_bytes_of(file) - (files_.empty() ? 1 : 0);
  auto path = file.path;
  files_.emplace(std::move(path), std::move(file));
}

std::string archive_list::text() const {
  auto list = json::array();
  for (auto& [path, file] : files_)
    list.push_back(to_archive_json(file));
  return dump(list);
}

std::string archive_blobref(std::string_view bytes) {
  return blobref_of(address_of(blob_kind::value, bytes));
}

caf::error check_archive_name(std::string_view name) {
  constexpr std::string_view blobs = "_blobs", unfinished = "_new-";
  auto is_plain = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'
           || c == '_' || c == '+' || c == '@' || c == ':';
  };
  if (name.empty() || name.size() > 200 || name.ends_with(blobs)
      || name.find(unfinished) != name.npos
      || !std::all_of(name.begin(), name.end(), is_plain))
    return make_error(ec::bad_argument,
                      fmt::format("'{}': the name of an archive has letters, digits and any of "
                                  "-_+@: (200 at most), does not end with {} and has no {}",
                                  name, blobs, unfinished));
  return {};
}

} // namespace hactor
