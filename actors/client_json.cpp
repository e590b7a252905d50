// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/client_json.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/limits.hpp"

namespace hactor {

template <class T>
T client_params::take(caf::expected<T> value, T fallback) {
  if (value)
    return std::move(*value);
  refuse(value.error());
  return fallback;
}

void client_params::refuse(const caf::error& e) {
  if (!error)
    error = e;
}

void client_params::refuse(std::string what) {
  if (!error)
    error = make_error(ec::bad_argument, std::move(what));
}

int64_t client_params::integer(const char* key, int64_t fallback) {
  return take(get_int_or(params_, key, fallback), fallback);
}

bool client_params::flag(const char* key, bool fallback) {
  return take(get_bool_or(params_, key, fallback), fallback);
}

double client_params::number(const char* key, double fallback) {
  return take(get_double_or(params_, key, fallback), fallback);
}

std::string client_params::text(const char* key) { return take(get_string(params_, key), {}); }

std::string client_params::text(const char* key, const char* fallback) {
  return take(get_string_or(params_, key, fallback), std::string{fallback});
}

std::string client_params::note(const char* key) {
  auto value = text(key, "");
  if (value.size() <= note_bytes_max)
    return value;
  refuse(make_error(ec::too_big, fmt::format("{}: has {} bytes; a note may have {}", key,
                                             value.size(), note_bytes_max)));
  return {};
}

namespace {

caf::expected<job_id> read_id(const json& value) {
  if (value.is_number_unsigned())
    return job_id{value.get<uint64_t>()};
  if (value.is_string())
    return parse_job_id(value.get_ref<const std::string&>());
  return make_error(ec::bad_id, "a job id must be a string or an integer, found " + dump(value));
}

} // namespace

job_id client_params::id(const char* key) {
  if (!has(key)) {
    refuse(fmt::format("{}: missing; must be a job id", key));
    return {};
  }
  return take(read_id(at(key)), job_id{});
}

std::vector<job_id> client_params::ids(const char* key) {
  std::vector<job_id> result;
  if (!has(key))
    return result;
  if (!at(key).is_array()) {
    refuse(fmt::format("{}: must be a list of job ids, found {}", key, json_type_name(at(key))));
    return result;
  }
  for (auto& value : at(key))
    result.push_back(take(read_id(value), job_id{}));
  return result;
}

idset client_params::set(const char* key, uint32_t universe) {
  auto value = text(key, "all");
  if (value == "all")
    return idset::range(0, universe - 1);
  auto result = take(idset::parse(value), idset{});
  if (result.empty())
    refuse(fmt::format("{}: must name at least one rank", key));
  else if (result.last() >= universe)
    refuse(make_error(ec::unknown_rank, fmt::format("rank {}: this instance has ranks 0 to {}",
                                                    result.last(), universe - 1)));
  return result;
}

std::vector<std::string> client_params::texts(const char* key) {
  std::vector<std::string> result;
  if (!has(key) || !at(key).is_array()) {
    refuse(fmt::format("{}: must be a list of strings", key));
    return result;
  }
  for (auto& value : at(key)) {
    if (!value.is_string())
      refuse(fmt::format("{}: must be a list of strings, found {} in it", key,
                         json_type_name(value)));
    else
      result.push_back(value.get<std::string>());
  }
  return result;
}

submission read_submission(const json& object, client_params& p) {
  client_params own{object};
  submission s;
  if (!own.has("jobspec"))
    own.refuse("jobspec: missing; must be a jobspec (RFC 14) as object, JSON or YAML text");
  else if (own.at("jobspec").is_string())
    s.jobspec = own.at("jobspec").get<std::string>();
  else
    s.jobspec = dump(own.at("jobspec"));
  if (own.has("commands") && !own.at("commands").is_array())
    own.refuse("commands: must be a list of lists of words");
  else if (own.has("commands"))
    s.commands = dump(own.at("commands"));
  auto urgency = own.integer("urgency", limits::urgency_default);
  if (urgency < 0 || urgency > limits::urgency_max)
    own.refuse(fmt::format("urgency: must be 0 to {}, found {}", limits::urgency_max, urgency));
  s.urgency = static_cast<int32_t>(urgency);
  if (own.has("cc") && own.has("bcc"))
    own.refuse("cc and bcc: only one of them");
  s.with_cc_env = !own.has("bcc");
  for (auto key : {"cc", "bcc"})
    if (own.has(key)) {
      auto set = idset::parse(own.text(key));
      if (!set)
        own.refuse(set.error());
      else if (set->empty())
        own.refuse(fmt::format("{}: must name at least one value", key));
      else
        s.cc = std::move(*set);
    }
  if (own.has("array")) {
    auto values = idset::parse(own.text("array"));
    if (!values || s.cc.size() != 1 || !values->contains_all(s.cc))
      own.refuse("array: must be the set of which cc or bcc is one value");
    else
      s.array = std::move(*values);
  }
  if (own.has("flags"))
    for (auto& flag : own.texts("flags")) {
      if (flag == "debug") // taken in silence it would promise events that do not come
        own.refuse("flags: \"debug\": there are no debug events here; 'hactor dmesg' and 'hactor "
                   "explain' say what became of a job");
      else if (flag == "waitable")
        s.flags |= 4;
      else if (flag == "novalidate")
        s.flags |= 8;
      else
        own.refuse(fmt::format("flags: \"{}\" is not waitable or novalidate", flag));
    }
  if (own.error)
    p.refuse(own.error);
  return s;
}

json to_json(const job_counts& c) {
  json j{{"depend", c.depend},
         {"priority", c.priority},
         {"sched", c.sched},
         {"run", c.run},
         {"cleanup", c.cleanup},
         {"inactive", c.inactive},
         {"completed",
          c.inactive - std::min(c.inactive, c.failed + c.canceled + c.timeout + c.node_failed)},
         {"failed", c.failed},
         {"canceled", c.canceled},
         {"timeout", c.timeout},
         {"node_failed", c.node_failed}};
  if (!c.paused.empty())
    j["paused"] = c.paused;
  return j;
}

} // namespace hactor
