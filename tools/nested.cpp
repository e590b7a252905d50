// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/nested.hpp"

#include "runtime/ids.hpp"

namespace hactor::tools {

bool holds_instance(const json& job) {
  return text_at(job, "state") == "RUN" && find_json(job, "annotations.user.uri") != nullptr;
}

caf::expected<std::string> uri_inside(const std::string& uri, std::string_view path) {
  auto inside = uri;
  for (size_t slash = 0; slash != path.npos;) {
    slash = path.find('/');
    auto id = parse_job_id(path.substr(0, slash));
    if (!id)
      return std::move(id.error());
    inside += "/" + to_string(*id);
    path.remove_prefix(slash == path.npos ? 0 : slash + 1);
  }
  return inside;
}

} // namespace hactor::tools
