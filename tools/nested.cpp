// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/nested.hpp"

#include <unistd.h>

#include "runtime/hostlist.hpp"
#include "runtime/ids.hpp"

namespace hactor::tools {

namespace {

/// The URI of an instance with brokers of its own is that of a socket on its first node: through
/// ssh, when that is another machine than this. Names of hosts may be pretended, so who answers
/// here is here.
std::string from_here(const std::string& local, const json& job) {
  auto hosts = parse_hostlist(text_at(job, "nodelist"));
  char own[256] = {};
  auto known = hosts && !hosts->empty() && ::gethostname(own, sizeof own - 1) == 0;
  if (!known || hosts->front() == own)
    return local;
  if (auto fd = workflow::connect_socket(local)) {
    ::close(*fd);
    return local;
  }
  return "ssh://" + hosts->front() + local.substr(std::string_view{"local://"}.size());
}

} // namespace

bool holds_instance(const json& job) {
  if (text_at(job, "state") != "RUN")
    return false;
  auto* noted = find_json(job, "annotations.user.uri"); // a person may note under this name, too
  return noted != nullptr && noted->is_string()
         && noted->get_ref<const std::string&>().starts_with("local://");
}

std::optional<std::pair<std::string, std::string>> uri_around(const std::string& uri) {
  auto slash = uri.rfind('/');
  if (slash == uri.npos || !parse_job_id(std::string_view{uri}.substr(slash + 1)))
    return std::nullopt;
  return std::pair{uri.substr(0, slash), uri.substr(slash + 1)};
}

std::string uri_of(const std::string& uri, const json& job) {
  auto id = "/" + text_at(job, "id");
  auto* noted = find_json(job, "annotations.user.uri");
  if (noted == nullptr || !noted->is_string())
    return uri + id;
  auto text = noted->get<std::string>();
  return text.ends_with(id) ? uri + id : from_here(text, job);
}

caf::expected<std::string> find_inside(const std::string& uri, std::string_view path) {
  auto inside = uri;
  for (size_t slash = 0; slash != path.npos;) {
    slash = path.find('/');
    auto below = uri_inside(inside, path.substr(0, slash));
    if (!below)
      return below;
    path.remove_prefix(slash == path.npos ? 0 : slash + 1);
    auto id = below->substr(inside.size() + 1);
    auto broker = client::connect(inside);
    auto list = broker ? broker->ask("job.list", {{"ids", json::array({id})}, {"states", 127}})
                       : caf::expected<json>{broker.error()};
    auto jobs = list ? object_at(*list, "jobs") : json::array();
    inside = !jobs.empty() && holds_instance(jobs[0]) ? uri_of(inside, jobs[0]) : *below;
  }
  return inside;
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
