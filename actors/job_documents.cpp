// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_documents.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/job_json.hpp"
#include "actors/task_eventlogs.hpp"
#include "graph/rset.hpp"
#include "runtime/base64.hpp"

namespace hactor {

namespace {

constexpr std::string_view before_mark = "jobspec-before\n";

/// The value as a whole takes the place of what is there; null: nothing was.
void set_back(json& spec, std::string_view path, const json& value) {
  auto* at = &spec;
  for (size_t dot; (dot = path.find('.')) != path.npos; path.remove_prefix(dot + 1)) {
    if (!at->is_object())
      *at = json::object();
    at = &(*at)[std::string{path.substr(0, dot)}];
  }
  if (!at->is_object())
    *at = json::object();
  if (value.is_null())
    at->erase(std::string{path});
  else
    (*at)[std::string{path}] = value;
}

/// Takes back what was changed of a jobspec, the last change first: before each stands an event
/// that says what was there.
caf::expected<json> original_spec(const job_reply& job) {
  auto spec = parse_json(job.jobspec);
  if (!spec)
    return spec;
  for (auto e = job.events.rbegin(); e != job.events.rend(); ++e) {
    if (e->kind != event_kind::debug || !e->text.starts_with(before_mark))
      continue;
    auto values = parse_json(std::string_view{e->text}.substr(before_mark.size()));
    if (!values || !values->is_object())
      continue;
    auto& changes = values->get_ref<const json::object_t&>();
    for (auto c = changes.rbegin(); c != changes.rend(); ++c) // a key may lie in one before it
      set_back(*spec, c->first, c->second);
  }
  return spec;
}

/// R with the end that was granted at first: updates move nothing else.
caf::expected<std::string> original_resources(const job_reply& job) {
  auto moved = std::any_of(job.events.begin(), job.events.end(),
                           [](auto& e) { return e.kind == event_kind::resource_update; });
  auto resources = parse_rset(job.rset);
  auto spec = original_spec(job);
  if (!moved || !resources || !spec)
    return job.rset;
  auto limit = get_double_or(*spec, "attributes.system.duration", 0);
  resources->expiration = limit && *limit > 0 ? resources->starttime + *limit : 0;
  return to_json(*resources);
}

/// RFC 15: what was signed, between its header and the name of who has signed it.
caf::expected<std::string> signed_spec(const job_reply& job) {
  auto spec = original_spec(job);
  if (!spec)
    return std::move(spec.error());
  std::string header;
  auto add = [&header](std::string_view key, const std::string& value) {
    header.append(key).push_back('\0');
    header.append(value).push_back('\0');
  };
  add("version", "i1");
  add("mechanism", "snone");
  add("userid", "i" + std::to_string(job.summary.userid));
  return encode_base64(header) + "." + encode_base64(dump(*spec)) + ".none";
}

} // namespace

bool changes_document(std::string_view key, event_kind kind) {
  if (key == "R")
    return kind == event_kind::alloc || kind == event_kind::resource_update;
  if (key == "guest.exec.eventlog")
    return kind == event_kind::alloc || kind == event_kind::start || kind == event_kind::finish
           || kind == event_kind::exception;
  return key == "jobspec" && kind == event_kind::jobspec_update;
}

caf::expected<std::string> job_document(const job_reply& job, std::string_view key,
                                        bool original) {
  if (key == "jobspec" && original) {
    auto spec = original_spec(job);
    return spec ? caf::expected<std::string>{dump(*spec)} : std::move(spec.error());
  }
  if (key == "jobspec")
    return job.jobspec;
  if (key == "R" && job.rset.empty())
    return make_error(ec::unknown_key,
                      to_string(job.summary.id) + ": has no R: nothing was allocated");
  if (key == "R")
    return original ? original_resources(job) : job.rset;
  if (key == "J")
    return signed_spec(job);
  if (key == "record")
    return dump(to_json(job.summary));
  if (key == "guest.exec.eventlog")
    return exec_eventlog(job);
  if (key != "eventlog")
    return make_error(ec::unknown_key,
                      fmt::format("\"{}\": a job has the keys jobspec, R, eventlog, record, J and "
                                  "guest.exec.eventlog; guest.output and guest.input are read by "
                                  "'job.watch'",
                                  key));
  std::string lines;
  for (auto& e : job.events)
    append_eventlog_line(lines, e);
  return lines;
}

} // namespace hactor
