// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/event_reader.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/json.hpp"

namespace hactor::workflow {

namespace {

template <class T>
bool read_number(std::string_view text, T& to) {
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), to);
  return code == std::errc{} && end == text.data() + text.size();
}

/// Events by which a job can come into a state (RFC 21).
struct entrance {
  job_state to;
  std::string_view event;
};

constexpr entrance entrances[] = {
    {job_state::new_job, "submit"},          {job_state::depend, "validate"},
    {job_state::priority, "depend"},         {job_state::priority, "urgency"},
    {job_state::priority, "jobspec-update"}, {job_state::priority, "hactor-restart"},
    {job_state::priority, "retry"},
    {job_state::sched, "priority"},          {job_state::run, "alloc"},
    {job_state::cleanup, "finish"},          {job_state::cleanup, "exception"},
    {job_state::inactive, "clean"},          {job_state::inactive, "invalidate"},
};

caf::error unreadable(std::string_view line) {
  return make_error(ec::bad_json, "the instance sent an event that cannot be read: "
                                      + std::string{line.substr(0, 200)});
}

/// Walks over a line piece by piece; each function is false when something else comes next.
struct line_walk {
  std::string_view rest;

  bool pass(std::string_view text) {
    if (!rest.starts_with(text))
      return false;
    rest.remove_prefix(text.size());
    return true;
  }
  template <class T>
  bool number(T& to) {
    auto text = rest.substr(0, rest.find(','));
    rest.remove_prefix(text.size());
    return read_number(text, to);
  }
  bool skip_value() { // that has no comma
    rest.remove_prefix(std::min(rest.find(','), rest.size()));
    return true;
  }
  template <class T>
  bool word(T& to) { // up to its quote, which stays
    to = rest.substr(0, rest.find('"'));
    rest.remove_prefix(to.size());
    return to.find('\\') == T::npos;
  }
};

/// As append_stream_line writes events (store/event_json.cpp). Each event of an instance comes by
/// here, so nothing is looked at that is not wanted: the context is what lies between its
/// neighbours.
bool read_as_written(std::string_view line, job_event& e) {
  constexpr std::string_view before_state = R"(,"state":")";
  auto end = line.rfind(before_state);
  if (end == std::string_view::npos)
    return false;
  line_walk tail{line.substr(end + before_state.size())};
  std::string_view state;
  if (!tail.word(state) || tail.rest != "\"}")
    return false;
  e.state = state_named(state);
  line_walk walk{line.substr(0, end)};
  if (!walk.pass(R"({"seq":)") || !walk.number(e.sequence) || e.sequence == 0
      || !walk.pass(R"(,"id":")") || !walk.word(e.id) || !walk.pass(R"(","t_ns":)")
      || !walk.number(e.time_ns) || !walk.pass(R"(,"timestamp":)") || !walk.skip_value()
      || !walk.pass(R"(,"name":")") || !walk.word(e.name) || !walk.pass("\""))
    return false;
  if (walk.pass(R"(,"context":)")) {
    e.context = walk.rest;
    return walk.rest.starts_with('{') && walk.rest.ends_with('}');
  }
  return walk.rest.empty();
}

/// The long way, for lines that were written otherwise: a name with escapes, say, or a gap.
caf::expected<job_event> read_by_tree(std::string_view line) {
  auto tree = parse_json(line);
  if (!tree)
    return unreadable(line);
  job_event e;
  auto sequence = get_int_or(*tree, "seq", 0), time_ns = get_int_or(*tree, "t_ns", 0);
  auto id = get_string_or(*tree, "id", ""), name = get_string(*tree, "name");
  auto state = get_string_or(*tree, "state", "");
  if (!sequence || *sequence <= 0 || !time_ns || !id || !name || !state)
    return unreadable(line);
  e.sequence = static_cast<uint64_t>(*sequence);
  e.time_ns = *time_ns;
  e.id = std::move(*id);
  e.name = std::move(*name);
  e.state = state_named(*state);
  if (auto* context = find_json(*tree, "context"))
    e.context = dump(*context);
  return e;
}

} // namespace

job_state state_named(std::string_view name) {
  constexpr std::pair<std::string_view, job_state> names[] = {
      {"NEW", job_state::new_job},       {"DEPEND", job_state::depend},
      {"PRIORITY", job_state::priority}, {"SCHED", job_state::sched},
      {"RUN", job_state::run},           {"CLEANUP", job_state::cleanup},
      {"INACTIVE", job_state::inactive}};
  for (auto& [text, state] : names)
    if (text == name)
      return state;
  return job_state::none;
}

caf::expected<job_event> read_event_line(std::string_view line) {
  job_event e;
  if (!read_as_written(line, e))
    return read_by_tree(line);
  return e;
}

uint64_t lost_events(const job_event& e) {
  if (e.name != "gap")
    return 0;
  auto context = parse_json(e.context);
  auto lost = context ? get_int_or(*context, "events", 0) : caf::expected<int64_t>{0};
  return lost && *lost > 0 ? static_cast<uint64_t>(*lost) : 0;
}

event_choice::event_choice(uint32_t states, const std::vector<std::string>& names)
    : states_{states}, names_{names} {}

std::vector<std::string> event_choice::asked() const {
  auto all = names_;
  for (auto& e : entrances)
    if ((states_ & states_of(e.to)) != 0 && std::find(all.begin(), all.end(), e.event) == all.end())
      all.emplace_back(e.event);
  return all;
}

bool event_choice::wants(const job_event& e) const {
  if (states_ == 0 && names_.empty())
    return true;
  if (std::find(names_.begin(), names_.end(), e.name) != names_.end())
    return true;
  return std::any_of(std::begin(entrances), std::end(entrances), [&](const entrance& in) {
    return in.to == e.state && (states_ & states_of(in.to)) != 0 && in.event == e.name;
  });
}

} // namespace hactor::workflow
