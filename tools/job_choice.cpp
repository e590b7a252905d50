// See job_choice.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/job_choice.hpp"

#include <charconv>

#include <pwd.h>

#include "runtime/duration.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"
#include "tools/job_fields.hpp"
#include "tools/session.hpp"
#include "tools/submit_options.hpp"

namespace hactor::tools {

namespace {

/// A duration back from now after a minus sign, or a moment that is over. A time of day is the last
/// one, not the next.
caf::expected<double> read_since(const std::string& text) {
  constexpr double day_s = 86400;
  auto wrong = [&](const std::string& why) {
    return make_error(ec::bad_argument, "--since: '" + text + "' " + why);
  };
  auto now = now_s();
  if (text.starts_with("-")) {
    auto back = parse_fsd(std::string_view{text}.substr(1));
    return back ? caf::expected<double>{now - *back} : wrong("is no duration like -1h");
  }
  if (text == "yesterday")
    return now - day_s;
  auto at = parse_moment(text, now);
  if (!at || text.starts_with("+"))
    return wrong("is neither like -1h nor a time like 2026-12-24, 18:00 or yesterday, nor seconds "
                 "since the epoch");
  auto of_day = text.find(':') != text.npos && text.find('-') == text.npos;
  if (*at > now && of_day && *at - day_s <= now)
    return *at - day_s;
  return *at <= now ? at : wrong("has not come yet");
}

/// -i: ranks when it is an idset, else hosts.
caf::error add_included(const std::string& text, json& params) {
  if (auto ranks = idset::parse(text); ranks && !ranks->empty()) {
    params["ranks"] = ranks->to_string();
    return {};
  }
  auto hosts = parse_hostlist(text);
  if (!hosts || hosts->empty())
    return make_error(ec::bad_argument,
                      "--include: '" + text + "' is neither hosts like n[1-3] nor ranks like 0-3");
  params["hosts"] = *hosts;
  return {};
}

} // namespace

caf::error add_user(const std::string& text, json& params) {
  if (text == "all")
    return {};
  uint32_t uid = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (code == std::errc{} && end == text.data() + text.size()) {
    params["userid"] = uid;
    return {};
  }
  auto* entry = ::getpwnam(text.c_str());
  if (entry == nullptr)
    return make_error(ec::unknown_key, "--user: there is no user '" + text + "'");
  params["userid"] = entry->pw_uid;
  return {};
}

caf::expected<json> list_params(const parsed_options& o) {
  json params = {{"states", states_active}};
  auto max = o.number("count", 1000, 0, 1u << 31);
  if (!max)
    return std::move(max.error());
  params["max"] = *max;
  if (o.has("constraint")) {
    auto constraint = parse_json(o.value("constraint"));
    if (!constraint)
      return make_error(ec::bad_argument, "--constraint: " + render(constraint.error()));
    params["constraint"] = std::move(*constraint);
    params["states"] = states_all;
  }
  if (o.has("all") || o.has("all-users") || o.has("since") || !o.operands.empty())
    params["states"] = states_all;
  if (o.has("filter")) {
    auto filter = parse_state_filter(o.value("filter"));
    if (!filter)
      return std::move(filter.error());
    params["states"] = filter->states;
    if (filter->results != 0)
      params["results"] = filter->results;
  }
  if (o.has("since")) {
    auto since = read_since(o.value("since"));
    if (!since)
      return std::move(since.error());
    params["since"] = *since;
  }
  for (auto* name : {"name", "queue"})
    if (o.has(name))
      params[name] = o.value(name);
  if (o.has("include"))
    if (auto e = add_included(o.value("include"), params))
      return e;
  if (o.has("user"))
    if (auto e = add_user(o.value("user"), params))
      return e;
  return params;
}

caf::expected<json> list_all(client& broker, const json& params) {
  auto jobs = json::array();
  auto add = [&jobs](const json& part) {
    auto& more = object_at(part, "jobs");
    if (more.is_array())
      jobs.insert(jobs.end(), more.begin(), more.end());
  };
  auto reply = broker.ask("job.list", params, 60, [&add](const frame& f) {
    if (auto part = parse_object(f.payload))
      add(*part);
  });
  if (!reply)
    return std::move(reply.error());
  if (!object_at(*reply, "jobs").is_array())
    return make_error(ec::bad_json, "the instance answered without a list of jobs");
  add(*reply);
  return jobs;
}

caf::expected<std::vector<std::string>> ids_in_states(client& broker, unsigned states,
                                                      const std::string& user) {
  json params = {{"states", states}, {"max", 0}};
  if (!user.empty())
    if (auto e = add_user(user, params))
      return e;
  auto jobs = list_all(broker, params);
  if (!jobs)
    return std::move(jobs.error());
  std::vector<std::string> ids;
  for (auto& job : *jobs)
    ids.push_back(text_at(job, "id"));
  return ids;
}

caf::expected<std::vector<std::string>> choose_ids(client& broker,
                                                   std::span<const std::string> texts) {
  std::vector<std::string> ids;
  caf::expected<std::vector<std::string>> active{std::vector<std::string>{}};
  for (auto& text : texts) {
    auto dots = text.find("..");
    if (dots == text.npos) {
      auto id = read_ids({&text, 1});
      if (!id)
        return id;
      ids.push_back(id->front());
      continue;
    }
    auto first = parse_job_id(std::string_view{text}.substr(0, dots));
    auto last = parse_job_id(std::string_view{text}.substr(dots + 2));
    if (!first || !last)
      return !first ? std::move(first.error()) : std::move(last.error());
    if (active->empty())
      active = ids_in_states(broker, states_active, "");
    if (!active)
      return active;
    auto before = ids.size();
    for (auto& one : *active)
      if (auto id = parse_job_id(one); id && id->value >= first->value && id->value <= last->value)
        ids.push_back(one);
    if (ids.size() == before)
      return make_error(ec::unknown_job, text + ": no active job lies between these");
  }
  return ids;
}

namespace {

/// That no jobs were found may be for a name of which there is no queue. Jobs of one that there was
/// before a restart are found.
caf::error check_queue(client& broker, const std::string& name) {
  auto reply = broker.ask("queue", json::object());
  if (!reply) // a scheduler that was unloaded has none
    return {};
  auto& queues = object_at(*reply, "queues");
  auto have_names = queues.is_array() && !queues.empty() && !text_at(queues[0], "name").empty();
  return have_names ? find_queue(queues, name) : caf::error{};
}

} // namespace

caf::error find_queue(const json& queues, const std::string& name) {
  std::string names;
  for (auto& q : queues)
    if (auto one = text_at(q, "name"); one == name)
      return {};
    else if (!one.empty())
      names += (names.empty() ? "" : ", ") + one;
  return make_error(ec::unknown_key, "there is no queue '" + name + "'; "
                                         + (names.empty() ? "the one of this instance has no name"
                                                          : "there are " + names));
}

caf::expected<json> fetch_jobs(const parsed_options& o, client& broker, json params) {
  if (!o.operands.empty()) {
    auto ids = read_ids(o.operands);
    if (!ids)
      return std::move(ids.error());
    params["ids"] = *ids;
  }
  auto jobs = list_all(broker, params);
  if (auto queue = text_at(params, "queue"); jobs && jobs->empty() && !queue.empty())
    if (auto e = check_queue(broker, queue))
      return e;
  return jobs;
}

} // namespace hactor::tools
