// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/event_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "runtime/json.hpp"

namespace hactor::workflow {

namespace {

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

  template <size_t N>
  bool pass(const char (&text)[N]) {
    // Of a length that the compiler knows: no call.
    if (rest.size() < N - 1 || std::memcmp(rest.data(), text, N - 1) != 0)
      return false;
    rest.remove_prefix(N - 1);
    return true;
  }
  template <class T>
  bool number(T& to) {
    auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), to);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    return code == std::errc{};
  }
  bool skip_value() { // that has no comma
    rest.remove_prefix(std::min(rest.find(','), rest.size()));
    return true;
  }
  bool word(std::string& to) { // and its quote; not one with escapes
    size_t size = 0;
    while (size < rest.size() && rest[size] != '"' && rest[size] != '\\')
      ++size;
    to = rest.substr(0, size);
    rest.remove_prefix(size);
    return pass("\"");
  }
};

/// As stream_writer writes events (store/event_json.cpp). Each event of an instance comes by
/// here, so nothing is looked at that is not wanted: the context is what lies between its
/// neighbours.
bool read_as_written(std::string_view line, job_event& e) {
  constexpr std::string_view before_state = R"(,"state":")", after_state = "\"}";
  if (!line.ends_with(after_state))
    return false;
  line.remove_suffix(after_state.size());
  auto state = line.substr(line.rfind('"') + 1); // no word: all of it
  line.remove_suffix(state.size());
  if (!line.ends_with(before_state))
    return false;
  line.remove_suffix(before_state.size());
  e.state = state_named(state);
  line_walk walk{line};
  if (!walk.pass(R"({"seq":)") || !walk.number(e.sequence) || e.sequence == 0
      || !walk.pass(R"(,"id":")") || !walk.word(e.id) || !walk.pass(R"(,"t_ns":)")
      || !walk.number(e.time_ns) || !walk.pass(R"(,"timestamp":)") || !walk.skip_value()
      || !walk.pass(R"(,"name":")") || !walk.word(e.name))
    return false;
  if (walk.pass(R"(,"context":)")) {
    e.context = walk.rest;
    return walk.rest.starts_with('{') && walk.rest.ends_with('}');
  }
  return walk.rest.empty();
}

/// The long way, for lines that were written otherwise: a name with escapes, say, or a gap.
caf::error read_by_tree(std::string_view line, job_event& e) {
  auto tree = parse_json(line);
  if (!tree)
    return unreadable(line);
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
  auto* context = find_json(*tree, "context");
  e.context = context ? dump(*context) : "";
  return {};
}

/// The only state whose name begins so.
std::pair<std::string_view, job_state> state_beginning_with(char first) {
  switch (first) {
  case 'N':
    return {"NEW", job_state::new_job};
  case 'D':
    return {"DEPEND", job_state::depend};
  case 'P':
    return {"PRIORITY", job_state::priority};
  case 'S':
    return {"SCHED", job_state::sched};
  case 'R':
    return {"RUN", job_state::run};
  case 'C':
    return {"CLEANUP", job_state::cleanup};
  case 'I':
    return {"INACTIVE", job_state::inactive};
  default:
    return {"", job_state::none};
  }
}

} // namespace

job_state state_named(std::string_view name) {
  auto [text, state] = state_beginning_with(name.empty() ? '\0' : name.front());
  return name == text ? state : job_state::none;
}

caf::error read_event_line(std::string_view line, job_event& to) {
  return read_as_written(line, to) ? caf::error{} : read_by_tree(line, to);
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
