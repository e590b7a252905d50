// What a client asks to be changed of jobs, from its keys to jobspecs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "actors/job_manager_requests.hpp"
#include "actors/shell_options.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr std::string_view limit_key = "attributes.system.duration";

/// Each has a machinery that has looked at it when the job came.
constexpr std::string_view fixed_keys[] = {
    "attributes.system.environment", "attributes.system.dependencies",
    "attributes.system.max-fails",   "attributes.system.files",
    "attributes.system.retries",     "attributes.system.child",
    "attributes.system.array",
};

caf::error judge_key(const std::string& key) {
  auto known = key.starts_with("attributes.system.") || key.starts_with("attributes.user.");
  if (!known || key.back() == '.' || key.find("..") != key.npos)
    return make_error(ec::bad_argument, fmt::format("{}: only attributes.system.* and "
                                                    "attributes.user.* of a jobspec can be changed",
                                                    key));
  for (auto fixed : fixed_keys)
    if (key == fixed || key.starts_with(std::string{fixed} + "."))
      return make_error(ec::bad_argument,
                        fmt::format("{}: cannot be changed once the job was submitted", key));
  return {};
}

/// Errors: ec::bad_argument for a key that goes through something that is no object.
caf::error set_key(json& spec, const std::string& key, const json& value) {
  auto* at = &spec;
  for (size_t begin = 0; begin != key.npos;) {
    auto dot = key.find('.', begin);
    if (!at->is_object() && !at->is_null())
      return make_error(ec::bad_argument,
                        fmt::format("{}: {} is no object", key, key.substr(0, begin - 1)));
    at = &(*at)[key.substr(begin, dot - begin)];
    begin = dot == key.npos ? dot : dot + 1;
  }
  *at = value;
  return {};
}

/// The value of a dotted key; null when there is none.
json value_of(const json& spec, const std::string& key) {
  auto* at = &spec;
  for (size_t begin = 0; begin != key.npos;) {
    auto dot = key.find('.', begin);
    if (!at->is_object() || !at->contains(key.substr(begin, dot - begin)))
      return {};
    at = &(*at)[key.substr(begin, dot - begin)];
    begin = dot == key.npos ? dot : dot + 1;
  }
  return *at;
}

/// What a jobspec becomes, and what its keys were.
struct successor {
  job_spec_ptr spec;
  std::string old_values;
};

/// What is asked, and what becomes of the jobs.
struct pending_update {
  update_request request;
  std::map<job_spec_ptr, successor> become;
  std::vector<std::pair<job_id, job_spec_ptr>> jobs; // as they were
  bool limit_only = true;
};

caf::expected<successor> changed(job_manager_state& st, const job_spec& old, const json& changes) {
  auto spec = parse_json(old.text);
  if (!spec)
    return std::move(spec.error());
  auto before = json::object();
  for (auto& [key, value] : changes.items()) {
    before[key] = value_of(*spec, key);
    if (auto e = set_key(*spec, key, value))
      return e;
  }
  auto next = st.specs->intern(dump(*spec), old.environment_text());
  if (!next)
    return std::move(next.error());
  auto parsed = parse_stored((*next)->text);
  if (!parsed)
    return std::move(parsed.error());
  if (auto e = check_shell_options(*parsed, *(*next)->request))
    return e;
  return successor{std::move(*next), dump(before)};
}

caf::expected<std::shared_ptr<pending_update>> prepare(job_manager_state& st,
                                                       const update_request& r) {
  auto changes = parse_json(r.changes);
  if (!changes || !changes->is_object() || changes->empty())
    return make_error(ec::bad_argument, "changes: must be an object that is not empty");
  auto p = std::make_shared<pending_update>();
  p->request = r;
  for (auto& [key, value] : changes->items()) {
    if (auto e = judge_key(key))
      return e;
    p->limit_only = p->limit_only && key == limit_key;
  }
  for (auto id : r.ids) {
    auto spec = st.core.updatable(id, p->limit_only);
    if (!spec)
      return std::move(spec.error());
    p->jobs.emplace_back(id, *spec);
    if (p->become.count(*spec) != 0)
      continue;
    auto next = changed(st, **spec, *changes);
    if (!next)
      return make_error(code_of(next.error()),
                        fmt::format("{}: {}", to_string(id), render(next.error())));
    p->become[*spec] = std::move(*next);
  }
  return p;
}

} // namespace

caf::result<count_reply> update_jobs(job_manager_state& st, const update_request& r) {
  auto p = prepare(st, r);
  if (!p)
    return std::move(p.error());
  feasible_request ask;
  for (auto& [old, next] : (*p)->become)
    ask.specs.push_back({next.spec, {}, {}});
  auto promise = st.self->make_response_promise<count_reply>();
  st.self->request(st.peers.scheduler, std::chrono::seconds(limits::request_timeout_s), ask)
      .then(
          [&st, promise, p = *p](done) mutable {
            uint64_t n = 0;
            for (auto& [id, old] : p->jobs) {
              auto now = st.core.updatable(id, p->limit_only);
              if (!now || *now != old)
                continue; // it has ended, begun or been changed meanwhile
              auto& next = p->become.at(old);
              st.core.update(wall_ns(), id, next.spec, p->request.changes, next.old_values, st);
              ++n;
            }
            if (n == 0)
              promise.deliver(make_error(ec::wrong_state, "the jobs went on meanwhile"));
            else
              st.answer_when_durable([&st, promise, n](const caf::error& e) mutable {
                if (e)
                  promise.deliver(st.unwritten());
                else
                  promise.deliver(count_reply{n});
              });
            st.end_turn();
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

} // namespace hactor
