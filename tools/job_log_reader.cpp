// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/job_log_reader.hpp"

#include <cerrno>
#include <cmath>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "actors/job_constraint.hpp"
#include "actors/job_manager_core.hpp"
#include "runtime/hostlist.hpp"
#include "tools/client.hpp"

namespace hactor::tools {

namespace {

/// A job of a log, as far as a request looks at it.
struct logged_job {
  job_id id;
  job_fold fold;
  job_spec spec;
  rset resources;
};

template <class Enum>
Enum named(std::string_view name, std::initializer_list<Enum> all) {
  for (auto e : all)
    if (name_of(e) == name)
      return e;
  return Enum{};
}

/// So that its fold tells the result of the line.
void set_result(job_fold& fold, job_result r) {
  fold.waitstatus = r == job_result::completed ? 0 : 1 << 8;
  fold.has_fatal = r != job_result::completed && r != job_result::failed;
  fold.exception_type = r == job_result::canceled      ? "cancel"
                        : r == job_result::timeout     ? "timeout"
                        : r == job_result::node_failed ? "node-failure"
                                                       : "";
}

rset nodes_of(const json& line) {
  rset r;
  if (auto ranks = idset::parse(text_at(line, "ranks")))
    for (auto rank : ranks->expand())
      r.nodes.push_back({rank, {}, {}});
  if (auto hosts = parse_hostlist(text_at(line, "nodelist")))
    r.nodelist = std::move(*hosts);
  r.nodelist.resize(r.nodes.size());
  return r;
}

caf::expected<logged_job> read_job(const json& line) {
  auto id = parse_job_id(text_at(line, "id"));
  if (!id)
    return std::move(id.error());
  logged_job j;
  j.id = *id;
  j.spec.name = text_at(line, "name");
  j.spec.queue = text_at(line, "queue");
  j.resources = nodes_of(line);
  using s = job_state;
  j.fold.state = named(text_at(line, "state"), {s::new_job, s::depend, s::priority, s::sched,
                                                s::run, s::cleanup, s::inactive});
  using r = job_result;
  set_result(j.fold, named(text_at(line, "result"), {r::completed, r::failed, r::canceled,
                                                     r::timeout, r::node_failed}));
  j.fold.userid = static_cast<uint32_t>(number_at(line, "userid"));
  for (auto [key, time] : {std::pair{"t_submit", &job_fold::t_submit},
                           {"t_depend", &job_fold::t_depend},
                           {"t_priority", &job_fold::t_priority},
                           {"t_sched", &job_fold::t_sched},
                           {"t_run", &job_fold::t_run},
                           {"t_cleanup", &job_fold::t_cleanup},
                           {"t_inactive", &job_fold::t_inactive}})
    j.fold.*time = std::llround(number_at(line, key) * 1e9);
  return j;
}

bool is_wanted(const list_request& r, const logged_job& j) {
  auto ended = j.fold.state == job_state::inactive;
  return (r.states & static_cast<uint32_t>(j.fold.state)) != 0
         && (!ended || (r.results & static_cast<uint32_t>(j.fold.result())) != 0)
         && (!ended || j.fold.t_inactive >= r.since_ns) && is_meant(r, j.spec, -1, j.fold.userid)
         && is_on(r, j.resources);
}

std::string sentence_of(const json& left_out) {
  auto older = static_cast<uint64_t>(number_at(left_out, "older"));
  auto rest = static_cast<uint64_t>(number_at(left_out, "not_ended"));
  std::string text;
  if (older > 0)
    text = fmt::format("{} older jobs", older);
  if (rest > 0)
    text += fmt::format("{}{} that had not ended", text.empty() ? "" : " and ", rest);
  return text.empty() ? text : text + " are not in this log";
}

/// Reads line after line, and keeps what is meant.
class log_reader {
public:
  log_reader(const std::string& path, list_request request)
      : path_{path}, request_{std::move(request)}, ids_{request_.ids.begin(), request_.ids.end()} {}

  caf::expected<job_log> run() {
    auto only = read_constraint(request_);
    if (!only)
      return std::move(only.error());
    only_ = *only ? &**only : nullptr;
    std::ifstream in{path_};
    std::string text;
    while (std::getline(in, text)) {
      ++number_;
      if (auto e = text.empty() ? caf::error{} : take(text))
        return e;
    }
    if (!in.eof())
      return make_errno_error(ec::system_failed, path_, errno);
    if (!ids_.empty())
      return make_error(ec::unknown_job, to_string(*ids_.begin()) + ": is not in " + path_);
    return std::move(log_);
  }

private:
  caf::error take(const std::string& text) {
    auto line = parse_json(text);
    if (!line)
      return at_line(line.error());
    if (auto& rest = object_at(*line, "left_out"); rest.is_object()) {
      log_.left_out = sentence_of(rest);
      return {};
    }
    auto job = read_job(*line);
    if (!job)
      return at_line(job.error());
    auto by_id = !request_.ids.empty();
    if (by_id ? ids_.erase(job->id) == 0 : !is_wanted(request_, *job))
      return {};
    if (only_ != nullptr && !only_->matches(job->fold, job->spec, -1, job->resources))
      return only_->is_spent() ? only_->spent_error() : caf::error{};
    if (request_.max == 0 || log_.jobs.size() < request_.max)
      log_.jobs.push_back(std::move(*line));
    return {};
  }
  caf::error at_line(const caf::error& e) const {
    return make_error(ec::bad_json, fmt::format("{}, line {}: is no job as 'hactor job list' "
                                                "prints it: {}",
                                                path_, number_, context_of(e)));
  }

  const std::string& path_;
  list_request request_;
  std::set<job_id> ids_; // that have not been found
  job_constraint* only_ = nullptr;
  size_t number_ = 0;
  job_log log_;
};

} // namespace

caf::expected<job_log> read_job_log(const std::string& path, const list_request& request) {
  return log_reader{path, request}.run();
}

} // namespace hactor::tools
