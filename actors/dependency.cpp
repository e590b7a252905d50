// See the header. Schemes and the texts of their events are those of formats 3.11.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/dependency.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace hactor {

namespace {

struct scheme_row {
  std::string_view name;
  dependency_kind kind;
  std::string_view event; // what its events begin with
  std::string_view awaited;
};

using enum dependency_kind;

constexpr scheme_row schemes[] = {
    {"afterok", after_ok, "after-success", "to end well"},
    {"afterany", after_any, "after-finish", "to end"},
    {"afternotok", after_not_ok, "after-failure", "to fail"},
    {"afterstart", after_start, "after-start", "to start"},
    {"after", after_start, "after-start", "to start"}, // the old name of afterstart
    {"afterexcept", after_except, "after-except", "to be ended by an exception"},
    {"aftercorr", after_corr, "after-corr", "to end well"},
    {"begin-time", begin_time, "begin-time", "to come"},
    {"singleton", singleton, "singleton", "to end"},
    {"same-node", same_node, "same-node", "to have nodes, to run there"},
    {"not-same-node", other_node, "not-same-node", "to have nodes, to run elsewhere"},
    {"max-in-flight", in_flight, "max-in-flight", "to end"},
};

/// So many dependencies are told of in a sentence.
constexpr size_t told_max = 5;

constexpr std::string_view scheme_names =
    "afterok, afterany, afternotok, afterstart (or after), afterexcept, aftercorr, begin-time, "
    "singleton, same-node, not-same-node, max-in-flight";

const scheme_row& row_of(dependency_kind kind) {
  return *std::find_if(std::begin(schemes), std::end(schemes),
                       [kind](auto& row) { return row.kind == kind; });
}

caf::error bad(const std::string& path, std::string_view wanted, std::string_view found) {
  return make_error(ec::bad_jobspec, fmt::format("{}: {}, found \"{}\"", path, wanted, found));
}

caf::error read_begin(const std::string& value, const std::string& path, condition& to) {
  constexpr double latest_s = 9e9; // the year 2255: nanoseconds fit
  double seconds = 0;
  auto end = value.data() + value.size();
  auto [stop, failure] = std::from_chars(value.data(), end, seconds);
  if (value.empty() || failure != std::errc{} || stop != end || !(seconds >= 0)
      || seconds > latest_s)
    return bad(path, "must be seconds since the epoch, e.g. 1767225600", value);
  to.begin_ns = static_cast<int64_t>(seconds * 1e9);
  to.text = fmt::format("begin-time={:.3f}", seconds);
  return {};
}

/// How many of a group are active at once.
caf::error read_in_flight(const json& entry, const std::string& path, condition& to) {
  auto& value = entry["value"].get_ref<const std::string&>();
  auto end = value.data() + value.size();
  auto [stop, failure] = std::from_chars(value.data(), end, to.most);
  if (value.empty() || failure != std::errc{} || stop != end || to.most == 0)
    return bad(path + ".value", "must be how many jobs of the group are active at once, 1 or more",
               value);
  auto group = entry.find("group");
  if (group == entry.end() || !group->is_string() || *group == "")
    return bad(path + ".group", "must be a word that the jobs have in common, and no others",
               group == entry.end() ? "" : dump(*group));
  to.group = group->get<std::string>();
  to.text = fmt::format("max-in-flight={}", to.most);
  return {};
}

/// Which jobs a condition is of.
caf::error read_target(const json& entry, const std::string& path, std::string_view event,
                       condition& to) {
  auto& value = entry["value"].get_ref<const std::string&>();
  auto reference = read_reference(value);
  if (!reference)
    return make_error(ec::bad_jobspec, path + ".value: " + render(reference.error()));
  to.target = reference->of_copies ? job_id{} : reference->id;
  to.named = to.target == job_id{};
  if (to.kind == after_corr && reference->of_copies)
    return bad(path + ".value", "must be an array as a whole, by the id or the name of its jobs",
               value);
  if (auto array = entry.find("array"); to.kind == after_corr && array != entry.end()) {
    auto indices = array->is_string() ? idset::parse(array->get_ref<const std::string&>())
                                      : caf::expected<idset>{idset{}};
    if (!indices || indices->empty())
      return bad(path + ".array", "must be a set of indices, e.g. 0-9", dump(*array));
    to.array = std::make_shared<const idset>(std::move(*indices));
  }
  to.text = fmt::format("{}={}", event, value);
  return {};
}

caf::error read_condition(const json& entry, const std::string& path, bool named, condition& to) {
  auto& scheme = entry["scheme"].get_ref<const std::string&>();
  auto& value = entry["value"].get_ref<const std::string&>();
  auto row = std::find_if(std::begin(schemes), std::end(schemes),
                          [&](auto& x) { return x.name == scheme; });
  if (row == std::end(schemes))
    return bad(path + ".scheme", fmt::format("must be one of {}", scheme_names), scheme);
  to.kind = row->kind;
  if (to.kind == begin_time)
    return read_begin(value, path + ".value", to);
  if (to.kind == singleton) {
    to.text = "singleton";
    return named ? caf::error{}
                 : make_error(ec::bad_jobspec,
                              path
                                  + ".scheme: singleton needs attributes.system.job.name: it "
                                    "waits for jobs of the same name");
  }
  if (to.kind == in_flight)
    return read_in_flight(entry, path, to);
  return read_target(entry, path, row->event, to);
}

bool stands_alone(dependency_kind kind) {
  return kind == in_flight || kind == same_node || kind == other_node;
}

/// What the conditions of a list may not be together.
caf::error check_together(const dependency_list& list) {
  size_t flights = 0, singletons = 0;
  for (auto& d : list)
    for (auto& c : d.any_of) {
      flights += c.kind == in_flight;
      singletons += c.kind == singleton;
      if (d.any_of.size() > 1 && stands_alone(c.kind))
        return make_error(ec::bad_jobspec, fmt::format("attributes.system.dependencies: {} cannot "
                                                       "be one of several alternatives",
                                                       row_of(c.kind).name));
    }
  if (flights > 1 || (flights == 1 && singletons > 0))
    return make_error(ec::bad_jobspec,
                      "attributes.system.dependencies: max-in-flight goes neither with singleton "
                      "nor with another max-in-flight");
  return {};
}

void add_text(std::string& to, std::string_view separator, std::string_view text) {
  if (!to.empty())
    to += separator;
  to += text;
}

} // namespace

caf::expected<job_reference> read_reference(std::string_view text) {
  job_reference r;
  auto fail = [text](const char* why) {
    return make_error(ec::bad_jobspec, fmt::format("{}, found \"{}\"", why, text));
  };
  auto rest = text;
  auto bracket = rest.rfind('[');
  if (rest.ends_with(']') && bracket != rest.npos) {
    auto inside = rest.substr(bracket + 1, rest.size() - bracket - 2);
    r.of_copies = true;
    auto copies = inside == "*" ? caf::expected<idset>{idset{}} : idset::parse(inside);
    if (!copies || (inside != "*" && copies->empty()))
      return fail("must have numbers of copies between the brackets, as [3-7], or [*] for all");
    r.copies = std::move(*copies);
    rest = rest.substr(0, bracket);
  }
  constexpr std::string_view mark = "name=";
  if (rest.starts_with(mark)) {
    r.name = rest.substr(mark.size());
  } else {
    r.name = rest;
    if (auto id = parse_job_id(rest))
      r.id = *id;
  }
  if (r.name.empty())
    return fail("must be the id of a job or the name of some");
  return r;
}

const condition* find_condition(const dependency_list_ptr& list, dependency_kind kind) {
  if (list != nullptr)
    for (auto& d : *list)
      if (d.any_of.front().kind == kind)
        return &d.any_of.front();
  return nullptr;
}

caf::expected<dependency_list_ptr> read_dependencies(const json& list, bool named) {
  if (!list.is_array() || list.empty())
    return dependency_list_ptr{};
  dependency_list result;
  std::unordered_map<std::string, size_t> groups; // by their value of "any"
  for (size_t i = 0; i < list.size(); ++i) {
    auto path = fmt::format("attributes.system.dependencies[{}]", i);
    auto& entry = list[i];
    condition c;
    if (auto e = read_condition(entry, path, named, c))
      return e;
    auto at = result.size();
    if (auto any = entry.find("any"); any != entry.end()) {
      if (!any->is_string())
        return bad(path + ".any", "must be a string, the same for all alternatives", dump(*any));
      at = groups.try_emplace(any->get<std::string>(), at).first->second;
    }
    if (at == result.size())
      result.emplace_back();
    result[at].any_of.push_back(std::move(c));
  }
  std::unordered_map<std::string, size_t> known;
  std::erase_if(result, [&](dependency& d) {
    for (auto& c : d.any_of)
      add_text(d.text, "?", c.text);
    return !known.emplace(d.text, 0).second;
  });
  if (auto e = check_together(result))
    return e;
  return std::make_shared<const dependency_list>(std::move(result));
}

verdict judge(dependency_kind kind, const job_end& t) {
  auto over = t.result != job_result::none;
  auto hold_at_end = [&](bool good) {
    return !over ? verdict::open : good ? verdict::holds : verdict::never;
  };
  switch (kind) {
  case after_start:
    return t.started ? verdict::holds : hold_at_end(false);
  case after_any:
    return hold_at_end(true);
  case after_ok:
  case after_corr:
    return hold_at_end(t.result == job_result::completed);
  case after_not_ok:
    return hold_at_end(t.ran && t.result != job_result::completed);
  case after_except:
    return hold_at_end(t.ran && t.fatal);
  case same_node:
    return !t.ranks.empty() ? verdict::holds : hold_at_end(false);
  case other_node:
    return !t.ranks.empty() ? verdict::holds : hold_at_end(true);
  case begin_time:
  case singleton:
  case in_flight:
    break;
  }
  return verdict::open;
}

std::string sentence_of(const condition& c) {
  auto awaited = row_of(c.kind).awaited;
  if (c.kind == begin_time)
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ} {}",
                       fmt::gmtime(static_cast<std::time_t>(c.begin_ns / 1'000'000'000)), awaited);
  if (c.kind == singleton)
    return fmt::format("all other jobs of its name {}", awaited);
  if (c.kind == in_flight)
    return fmt::format("some of the jobs that were submitted with it {}: {} are active at once",
                       awaited, c.most);
  if (c.kind == after_corr)
    return fmt::format("the job of its index in the array {} {}", to_string(c.target), awaited);
  return fmt::format("job {} {}", to_string(c.target), awaited);
}

std::string sentence_of(const dependency_list& list, const std::set<std::string>& open) {
  std::string text;
  size_t told = 0;
  for (auto& d : list) {
    if (open.count(d.text) == 0)
      continue;
    if (told++ == told_max)
      return fmt::format("waits for {}, and for {} more", text, open.size() - told_max);
    std::string alternatives;
    for (auto& c : d.any_of)
      add_text(alternatives, ", or for ", sentence_of(c));
    add_text(text, ", and for ", alternatives);
  }
  return text.empty() ? text : "waits for " + text;
}

std::string why_never(const condition& c, const job_end& target) {
  std::string_view done = "has failed";
  if (target.result == job_result::completed)
    done = "has ended well";
  else if (target.result == job_result::canceled)
    done = "was cancelled";
  else if (target.result == job_result::timeout)
    done = "was ended by its time limit";
  else if (target.result == job_result::node_failed)
    done = "was lost with a node";
  auto before = c.kind != after_ok && c.kind != after_corr && target.result != job_result::completed
                    ? target.ran ? " before it started" : " before it ran"
                    : "";
  if (c.kind == after_except && target.ran)
    before = " without an exception";
  return fmt::format("{}:{} can never hold: the job {}{}", row_of(c.kind).name,
                     to_string(c.array ? target.id : c.target), done, before);
}

} // namespace hactor
