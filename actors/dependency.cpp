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
    {"begin-time", begin_time, "begin-time", "to come"},
    {"singleton", singleton, "singleton", "to end"},
};

/// So many dependencies are told of in a sentence.
constexpr size_t told_max = 5;

constexpr std::string_view scheme_names =
    "afterok, afterany, afternotok, afterstart (or after), afterexcept, begin-time, singleton";

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
  auto id = parse_job_id(value);
  if (!id || !*id)
    return bad(path + ".value", "must be the id of a job", value);
  to.target = *id;
  to.text = fmt::format("{}={}", row->event, value);
  return {};
}

void add_text(std::string& to, std::string_view separator, std::string_view text) {
  if (!to.empty())
    to += separator;
  to += text;
}

} // namespace

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
    return hold_at_end(t.result == job_result::completed);
  case after_not_ok:
    return hold_at_end(t.ran && t.result != job_result::completed);
  case after_except:
    return hold_at_end(t.ran && t.fatal);
  case begin_time:
  case singleton:
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
  auto before = c.kind != after_ok && target.result != job_result::completed
                    ? target.ran ? " before it started" : " before it ran"
                    : "";
  if (c.kind == after_except && target.ran)
    before = " without an exception";
  return fmt::format("{}:{} can never hold: the job {}{}", row_of(c.kind).name, to_string(c.target),
                     done, before);
}

} // namespace hactor
