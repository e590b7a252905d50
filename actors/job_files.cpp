// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_files.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/unpacker.hpp"

namespace hactor {

namespace {

constexpr json_where where{ec::bad_jobspec, "attributes.system.files"};

caf::error not_made(const caf::error& why) {
  return make_error(ec::exec_failed, "file " + render(why));
}

} // namespace

caf::expected<std::vector<archive_file>> read_job_files(const json& files) {
  auto read = read_archive(files, where);
  if (!read)
    return read;
  auto is_elsewhere = [](const archive_file& f) { return f.in_blobs; };
  auto bad = std::find_if(read->begin(), read->end(), is_elsewhere);
  if (bad != read->end())
    return make_error(where.code, fmt::format("{}.{}.encoding: must be utf-8 or base64; files in "
                                              "blobs come with -O stage-in (hactor archive)",
                                              where.prefix, bad->path));
  return read;
}

caf::error write_job_files(const std::vector<archive_file>& files, const std::string& folder) {
  if (files.empty())
    return {};
  auto to = unpacker::open(folder, false);
  if (!to)
    return not_made(to.error());
  for (auto& file : files)
    if (auto e = to->make(file, {}))
      return not_made(e);
  if (auto e = to->finish())
    return not_made(e);
  return {};
}

} // namespace hactor
