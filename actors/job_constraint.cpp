// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_constraint.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "runtime/hostlist.hpp"

namespace hactor {

namespace {

constexpr uint32_t inactive_bit = static_cast<uint32_t>(job_state::inactive);
constexpr uint32_t all_states = 127, all_results = all_job_results;

/// More hosts than that in one constraint are refused.
constexpr size_t hosts_max = 100'000;

struct named_mask {
  std::string_view name, letters;
  uint32_t mask;
};

// RFC 21's names, their short forms, and the groups that listings know.
constexpr std::array state_masks{
    named_mask{"new", "n", 1},       named_mask{"depend", "d", 2},  named_mask{"priority", "p", 4},
    named_mask{"sched", "s", 8},     named_mask{"run", "r", 16},    named_mask{"cleanup", "c", 32},
    named_mask{"inactive", "i", 64}, named_mask{"pending", "", 14}, named_mask{"running", "", 48},
    named_mask{"active", "", 62},
};
constexpr std::array result_masks{
    named_mask{"completed", "cd", 1}, named_mask{"failed", "f", 2},
    named_mask{"canceled", "ca", 4},  named_mask{"cancelled", "", 4},
    named_mask{"timeout", "to", 8},   named_mask{"node_failed", "nf", 16},
    named_mask{"node_fail", "", 16},
};

struct named_time {
  std::string_view name;
  int64_t job_fold::*time;
};

constexpr std::array times{
    named_time{"t_submit", &job_fold::t_submit},     named_time{"t_depend", &job_fold::t_depend},
    named_time{"t_priority", &job_fold::t_priority}, named_time{"t_sched", &job_fold::t_sched},
    named_time{"t_run", &job_fold::t_run},           named_time{"t_cleanup", &job_fold::t_cleanup},
    named_time{"t_inactive", &job_fold::t_inactive},
};

caf::error wrong(const std::string& name, std::string_view should, const json& found) {
  return make_error(ec::bad_argument,
                    fmt::format("constraint: {}: must be {}, found {}", name, should, dump(found)));
}

caf::error read_mask(const std::string& name, const json& values, std::span<const named_mask> table,
                     uint32_t all, uint32_t& to) {
  for (auto& v : values) {
    if (v.is_number_integer() && v.get<int64_t>() >= 0 && v.get<int64_t>() <= all) {
      to |= v.get<uint32_t>();
      continue;
    }
    auto word = v.is_string() ? v.get<std::string>() : "";
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    auto found = std::find_if(table.begin(), table.end(), [&word](const named_mask& m) {
      return !word.empty() && (word == m.name || word == m.letters);
    });
    if (found == table.end()) {
      std::string names;
      for (auto& m : table)
        names += (names.empty() ? "" : ", ") + std::string{m.name};
      return wrong(name, fmt::format("names of {} or their bits up to {}", names, all), v);
    }
    to |= found->mask;
  }
  return {};
}

} // namespace

struct job_constraint::job {
  const job_fold& fold;
  const job_spec& spec;
  int64_t cc;
  const rset& resources;
};

caf::error job_constraint::read_time(const std::string& name, const json& values, term& to) {
  constexpr std::string_view should = "one of >T, >=T, <T, <=T with seconds since the epoch";
  if (values.size() != 1 || !values[0].is_string())
    return wrong(name, should, values);
  std::string_view text = values[0].get_ref<const std::string&>();
  if (text.empty() || (text[0] != '<' && text[0] != '>'))
    return wrong(name, should, values);
  to.what = op::time;
  to.greater = text[0] == '>';
  to.equal = text.size() > 1 && text[1] == '=';
  text.remove_prefix(to.equal ? 2 : 1);
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), to.bound_s);
  if (code != std::errc{} || end != text.data() + text.size() || !(to.bound_s >= 0)
      || !std::isfinite(to.bound_s))
    return wrong(name, should, values);
  to.time = std::find_if(times.begin(), times.end(), [&](auto& t) { return t.name == name; })->time;
  return {};
}

caf::error job_constraint::read_operator(const std::string& name, const json& values, term& to) {
  if (name == "and" || name == "or" || name == "not") {
    to.what = name == "and" ? op::all_of : name == "or" ? op::one_of : op::not_all;
    for (auto& v : values)
      if (auto err = read(v, to.parts.emplace_back()))
        return err;
    return {};
  }
  if (name == "states" || name == "results") {
    to.what = name == "states" ? op::states : op::results;
    return to.what == op::states ? read_mask(name, values, state_masks, all_states, to.mask)
                                 : read_mask(name, values, result_masks, all_results, to.mask);
  }
  if (name == "userid") {
    to.what = op::userid;
    for (auto& v : values) {
      if (!v.is_number_integer())
        return wrong(name, "integers", v);
      to.userids.insert(v.get<int64_t>());
    }
    return {};
  }
  if (std::any_of(times.begin(), times.end(), [&](auto& t) { return t.name == name; }))
    return read_time(name, values, to);
  constexpr std::array texts{std::pair{"name", op::name}, std::pair{"queue", op::queue},
                             std::pair{"hostlist", op::hostlist}, std::pair{"ranks", op::ranks}};
  auto found = std::find_if(texts.begin(), texts.end(), [&](auto& t) { return t.first == name; });
  if (found == texts.end())
    return make_error(ec::bad_argument,
                      "constraint: there is no operator '" + name
                          + "'; there are and, or, not, userid, name, queue, states, results, "
                            "hostlist, ranks, t_submit, t_depend, t_priority, t_sched, t_run, "
                            "t_cleanup, t_inactive");
  to.what = found->second;
  for (auto& v : values) {
    if (!v.is_string())
      return wrong(name, "strings", v);
    auto& text = v.get_ref<const std::string&>();
    if (to.what == op::ranks) {
      auto ranks = idset::parse(text);
      if (!ranks)
        return wrong(name, "ranks like 0-3", v);
      to.ranks.add_all(*ranks);
    } else if (to.what == op::hostlist) {
      auto hosts = parse_hostlist(text);
      if (!hosts)
        return wrong(name, "hosts like n[1-3]", v);
      to.texts.insert(hosts->begin(), hosts->end());
      if (to.texts.size() > hosts_max)
        return make_error(ec::too_big,
                          fmt::format("constraint: hostlist: {} hosts are the most", hosts_max));
    } else {
      to.texts.insert(text);
    }
  }
  return {};
}

caf::error job_constraint::read(const json& object, term& to) {
  if (!object.is_object())
    return make_error(ec::bad_argument, fmt::format("constraint: must be an object, found {}",
                                                    json_type_name(object)));
  if (object.empty())
    return {};
  auto& name = object.begin().key();
  if (object.size() > 1)
    return make_error(ec::bad_argument, "constraint: must have one operator, found " + name
                                            + " and others; "
                                            + R"({"and": [{..}, {..}]} joins them)");
  if (!object.begin()->is_array())
    return make_error(ec::bad_argument,
                      fmt::format("constraint: {}: must be a list of values, found {}", name,
                                  json_type_name(*object.begin())));
  return read_operator(name, *object.begin(), to);
}

caf::expected<job_constraint> job_constraint::parse(const json& object, uint64_t comparisons) {
  job_constraint c;
  if (auto err = read(object, c.root_))
    return err;
  c.comparisons_ = c.allowed_ = comparisons;
  return c;
}

caf::error job_constraint::spent_error() const {
  return make_error(ec::too_big,
                    fmt::format("constraint: took more than the {} comparisons that are allowed: "
                                "ask for fewer states, since a later time, or put first what "
                                "matches few jobs",
                                allowed_));
}

bool job_constraint::matches(const job_fold& fold, const job_spec& spec, int64_t cc,
                             const rset& resources) {
  return matches(root_, job{fold, spec, cc, resources}) && !spent_;
}

bool job_constraint::matches(const term& t, const job& j) {
  // The nodes of a job are looked at one by one.
  auto on_nodes = t.what == op::hostlist || t.what == op::ranks;
  auto cost = on_nodes ? std::max<uint64_t>(j.resources.nodes.size(), 1) : 1;
  if (spent_ || comparisons_ < cost) {
    comparisons_ = 0;
    spent_ = true;
    return false;
  }
  comparisons_ -= cost;
  auto meant = [&](const term& part) { return matches(part, j); };
  switch (t.what) {
  case op::all_of:
    return std::all_of(t.parts.begin(), t.parts.end(), meant);
  case op::one_of: // none at all is true (RFC 31)
    return t.parts.empty() || std::any_of(t.parts.begin(), t.parts.end(), [&](auto& part) {
             return meant(part) || spent_; // nobody asks for what is found after that
           });
  case op::not_all:
    return !std::all_of(t.parts.begin(), t.parts.end(), meant);
  default:
    break;
  }
  auto& nodes = j.resources.nodes;
  switch (t.what) {
  case op::userid:
    return t.userids.count(j.fold.userid) != 0;
  case op::name:
    return t.texts.count(fill_cc(j.spec.name, j.cc)) != 0;
  case op::queue:
    return !j.spec.queue.empty() && t.texts.count(j.spec.queue) != 0;
  case op::states:
    return (t.mask & static_cast<uint32_t>(j.fold.state)) != 0;
  case op::results:
    return (t.mask & static_cast<uint32_t>(j.fold.result())) != 0;
  case op::ranks:
    return std::any_of(nodes.begin(), nodes.end(),
                       [&t](auto& node) { return t.ranks.contains(node.rank); });
  case op::hostlist:
    return std::any_of(j.resources.nodelist.begin(), j.resources.nodelist.end(),
                       [&t](auto& host) { return t.texts.count(host) != 0; });
  case op::time: {
    auto at_ns = j.fold.*t.time;
    auto at_s = static_cast<double>(at_ns) / 1e9;
    return at_ns != 0
           && ((t.equal && at_s == t.bound_s) || (t.greater ? at_s > t.bound_s : at_s < t.bound_s));
  }
  default:
    return true;
  }
}

uint32_t job_constraint::states() const { return states(root_); }

uint32_t job_constraint::states(const term& t) {
  uint32_t mask = t.what == op::one_of && !t.parts.empty() ? 0 : all_states;
  for (auto& part : t.parts)
    if (t.what == op::all_of)
      mask &= states(part);
    else if (t.what == op::one_of)
      mask |= states(part);
  if (t.what == op::states)
    return t.mask;
  if (t.what == op::results || (t.what == op::time && t.time == &job_fold::t_inactive))
    return inactive_bit;
  return mask;
}

int64_t job_constraint::since_ns() const { return since_ns(root_); }

int64_t job_constraint::since_ns(const term& t) {
  // What a double cannot tell apart is on the safe side.
  if (t.what == op::time && t.greater && t.time == &job_fold::t_inactive)
    return static_cast<int64_t>(std::min(std::max(t.bound_s - 1, 0.0), 9e9) * 1e9);
  int64_t since = 0;
  if (t.what == op::all_of)
    for (auto& part : t.parts)
      since = std::max(since, since_ns(part));
  if (t.what == op::one_of && !t.parts.empty()) {
    since = INT64_MAX;
    for (auto& part : t.parts)
      since = std::min(since, since_ns(part));
  }
  return since;
}

caf::expected<std::optional<job_constraint>> read_constraint(list_request& r) {
  if (r.constraint.empty())
    return std::optional<job_constraint>{};
  auto object = parse_json(r.constraint);
  if (!object)
    return std::move(object.error());
  auto c = job_constraint::parse(*object, r.comparisons);
  if (!c)
    return std::move(c.error());
  r.states &= c->states();
  r.since_ns = std::max(r.since_ns, c->since_ns());
  return std::optional{std::move(*c)};
}

} // namespace hactor
