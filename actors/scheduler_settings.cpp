// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler_settings.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "actors/child_plan.hpp"
#include "graph/graph_reader.hpp"
#include "graph/policy_library.hpp"
#include "graph/pruning.hpp"
#include "graph/subsystems.hpp"
#include "runtime/limits.hpp"
#include "runtime/regular_file.hpp"

namespace hactor {

namespace {

constexpr auto blanks = " \t\n";

/// Cuts the next word off, up to one of the separators.
std::string_view next_word(std::string_view& rest, std::string_view separators) {
  auto begin = rest.find_first_not_of(blanks);
  if (begin == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(begin);
  auto end = std::min(rest.find_first_of(separators), rest.size());
  auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

caf::error bad(std::string_view queue, std::string_view what) {
  return make_error(ec::bad_argument, fmt::format("sched.queues: queue {}: {}", queue, what));
}

std::optional<uint32_t> read_number(std::string_view text) {
  uint32_t n = 0;
  auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), n);
  return err == std::errc{} && end == text.data() + text.size() ? std::optional{n} : std::nullopt;
}

json words(std::string_view text) {
  auto list = json::array();
  while (!text.empty())
    if (auto word = next_word(text, ","); !word.empty())
      list.push_back(std::string{word});
  return list;
}

/// What one queue says of itself.
class queue_reader {
public:
  queue_reader(queue_settings& to, std::string policy) : to_{to}, policy_{std::move(policy)} {}

  caf::error set(std::string_view key, std::string_view value) {
    auto number = read_number(value);
    auto need = [&](uint32_t& field, uint32_t most) {
      if (!number || *number < 1 || *number > most)
        return bad(to_.name, fmt::format("{}=\"{}\": must be 1 to {}", key, value, most));
      field = *number;
      return caf::error{};
    };
    if (key == "policy")
      policy_ = value;
    else if (key == "depth")
      return need(to_.depth, queue_depth_max);
    else if (key == "reservations")
      return need(reservations_, reservation_depth_max);
    else if (key == "requires")
      add(json{{"properties", words(value)}});
    else if (key == "hosts")
      add(json{{"hostlist", json::array({std::string{value}})}});
    else if (key == "ranks")
      add(json{{"ranks", json::array({std::string{value}})}});
    else
      return bad(to_.name, fmt::format("\"{}\": there are policy, depth, reservations, requires, "
                                       "hosts and ranks",
                                       key));
    return {};
  }

  caf::error finish() {
    if (!policy_.empty() || reservations_ > 0) {
      auto policy = make_queue_policy(policy_.empty() ? to_.policy->name : policy_, reservations_);
      if (!policy)
        return bad(to_.name, render(policy.error()));
      to_.policy = std::move(*policy);
    }
    if (to_.where.is_null())
      return {};
    if (auto where = constraint::compile(to_.where, "requires"); !where)
      return bad(to_.name, render(where.error()));
    return {};
  }

private:
  void add(json&& term) {
    if (to_.where.is_null())
      to_.where = std::move(term);
    else
      to_.where = json{{"and", json::array({std::move(to_.where), std::move(term)})}};
  }

  queue_settings& to_;
  std::string policy_;
  uint32_t reservations_ = 0;
};

} // namespace

caf::expected<std::vector<queue_settings>> parse_queues(const std::string& text,
                                                        const queue_settings& otherwise) {
  std::vector<queue_settings> all;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto part = next_word(rest, ";");
    if (part.empty())
      continue;
    auto q = otherwise;
    q.name = next_word(part, blanks);
    for (auto& other : all)
      if (other.name == q.name)
        return bad(q.name, "is named twice");
    queue_reader reader{q, {}};
    while (!part.empty()) {
      auto word = next_word(part, blanks);
      if (word.empty())
        continue;
      auto equals = word.find('=');
      if (equals == std::string_view::npos)
        return bad(q.name, fmt::format("\"{}\" is not key=value", word));
      if (auto e = reader.set(word.substr(0, equals), word.substr(equals + 1)))
        return e;
    }
    if (auto e = reader.finish())
      return e;
    all.push_back(std::move(q));
  }
  if (all.empty() && !text.empty())
    return make_error(ec::bad_argument,
                      fmt::format("sched.queues: \"{}\" names no queue; must be like \"batch "
                                  "policy=easy; debug ranks=0-3\"",
                                  text));
  return all;
}

namespace {

constexpr const char* read_here[] = {
    "sched.policy",        "sched.match",        "sched.queues",
    "sched.default_queue", "sched.queue_depth",  "sched.reservation_depth",
    "sched.traverser",     "sched.match_format", "sched.prune_filters",
    "sched.cut_at_end"};

} // namespace

std::vector<std::pair<std::string, std::string>> changeable_settings(const config& attributes) {
  std::vector<std::pair<std::string, std::string>> all;
  for (auto* name : read_here)
    all.emplace_back(name, attributes.text(name));
  return all;
}

caf::error set_of_nested(config& to, std::string_view name, std::string_view value) {
  if (auto e = to.set(name, value))
    return e;
  if (name.starts_with("sched.") || name.starts_with("retention.") || name.starts_with("policy."))
    return {};
  return make_error(ec::bad_argument,
                    fmt::format("attribute {}: a nested instance has what the one around has; "
                                "sched.*, retention.* and policy.* can be set",
                                name));
}

namespace {

/// What places the children of an instance that keeps no work itself: they come first come first
/// served; the queues are theirs.
caf::expected<scheduler_settings> settings_for_children(const config& attributes) {
  auto hierarchy = read_hierarchy(attributes);
  if (!hierarchy)
    return std::move(hierarchy.error());
  config of_child = attributes;
  for (auto& [name, value] : (*hierarchy)->of_children)
    if (auto e = of_child.set(name, value))
      return e;
  // What a child would refuse is refused here.
  if (of_child.text("sched.policy") == "hierarchy")
    (void)of_child.set("sched.policy", of_child.text("sched.leaf_policy"));
  auto theirs = read_scheduler_settings(of_child);
  if (!theirs)
    return theirs;
  scheduler_settings ours;
  ours.match = std::move(theirs->match);
  return ours;
}

} // namespace

caf::error change_settings(config& attributes,
                           const std::vector<std::pair<std::string, std::string>>& to) {
  for (auto& [name, value] : to) {
    if (auto e = attributes.get(name); !e) // with near names
      return std::move(e.error());
    if (std::find(std::begin(read_here), std::end(read_here), name) == std::end(read_here)) {
      std::string names;
      for (auto* known : read_here)
        names += (names.empty() ? "" : ", ") + std::string{known};
      return make_error(
          ec::not_permitted,
          fmt::format("{}: is fixed while the instance runs; a scheduler takes {}", name, names));
    }
    if (name == "sched.policy" && value == "hierarchy")
      return make_error(ec::not_permitted, "sched.policy=hierarchy: is chosen when an instance "
                                           "starts");
    if (auto e = attributes.set(name, value))
      return e;
  }
  return {};
}

caf::expected<scheduler_settings> read_scheduler_settings(const config& attributes) {
  if (attributes.text("sched.policy") == "hierarchy")
    return settings_for_children(attributes);
  scheduler_settings s;
  auto reservations = static_cast<uint32_t>(attributes.integer("sched.reservation_depth"));
  queue_settings otherwise;
  auto policy = make_queue_policy(attributes.text("sched.policy"), reservations);
  if (!policy)
    return make_error(ec::bad_argument, "sched.policy: " + render(policy.error()));
  otherwise.policy = std::move(*policy);
  otherwise.depth = static_cast<uint32_t>(attributes.integer("sched.queue_depth"));
  auto match = choose_match_policy(attributes.text("sched.match"));
  if (!match)
    return make_error(ec::bad_argument, "sched.match: " + render(match.error()));
  s.match = std::move(*match);
  s.cut_at_end = attributes.flag("sched.cut_at_end");
  s.how.flexible = attributes.text("sched.traverser") == "flexible";
  s.how.graph_in_r = attributes.text("sched.match_format") == "rv1";
  s.how.counted = attributes.text("sched.prune_filters");
  if (auto filter = pruning_filter::parse(s.how.counted); !filter)
    return make_error(ec::bad_argument, "sched.prune_filters: " + render(filter.error()));
  auto queues = parse_queues(attributes.text("sched.queues"), otherwise);
  if (!queues)
    return std::move(queues.error());
  s.queues = std::move(*queues);
  if (s.queues.empty())
    s.queues.push_back(std::move(otherwise));
  s.default_queue = attributes.text("sched.default_queue");
  bool known = s.default_queue.empty();
  for (auto& q : s.queues)
    known = known || q.name == s.default_queue;
  if (!known)
    return make_error(
        ec::bad_argument,
        fmt::format("sched.default_queue: sched.queues has no queue {}", s.default_queue));
  return s;
}

caf::expected<graph_source> read_graph_source(const config& attributes) {
  graph_source from{attributes.text("resource.graph"),
                    attributes.text("sched.graph_format"),
                    attributes.text("resource.nested"),
                    attributes.text("resource.subsystems"),
                    {}};
  auto subsystems = parse_subsystems(from.subsystems);
  if (!subsystems)
    return make_error(ec::bad_argument, "resource.subsystems: " + render(subsystems.error()));
  if (!subsystems->names.empty() && subsystems->names.front() != "containment")
    return make_error(ec::bad_argument,
                      fmt::format("resource.subsystems={}: must begin with containment, which says "
                                  "what runs where; resource.nested lets requests nest things in "
                                  "another",
                                  from.subsystems));
  auto allowlist = parse_allowlist(attributes.text("resource.allowlist"));
  if (!allowlist)
    return make_error(ec::bad_argument, "resource.allowlist: " + render(allowlist.error()));
  from.allowlist = std::move(*allowlist);
  if (from.path.empty() && (!from.has("node") || !from.has("core")))
    return make_error(ec::bad_argument,
                      fmt::format("resource.allowlist={}: must have node and core, without which "
                                  "nothing can run",
                                  attributes.text("resource.allowlist")));
  return from;
}

caf::expected<graph_inventory> load_graph(const graph_source& from) {
  auto& path = from.path;
  auto refuse = [&](const caf::error& e) {
    return make_error(code_of(e), fmt::format("resource.graph={}: {}", path, render(e)));
  };
  auto how = parse_graph_format(from.format);
  if (!how)
    return refuse(how.error());
  auto text = read_regular_file(path, limits::graph_text_bytes_max);
  if (!text)
    return make_error(code_of(text.error()), "resource.graph=" + render(text.error()));
  graph_options options;
  options.number_nodes = true;
  auto subsystems = parse_subsystems(from.subsystems);
  if (!subsystems)
    return refuse(subsystems.error());
  options.subsystems = std::move(*subsystems);
  auto graph = read_graph(*how, *text, options);
  if (graph)
    graph = keep_types(std::move(*graph), from.allowlist);
  if (!graph)
    return refuse(graph.error());
  std::string_view rest = from.nested;
  while (!rest.empty()) {
    auto name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    if (auto e = nest_subsystem(*graph, name))
      return make_error(code_of(e), fmt::format("resource.nested={}: {}", from.nested, render(e)));
  }
  // Judged once here, so that it is refused at the start.
  auto any = make_match_policy("first");
  HACTOR_CHECK(any);
  graph_inventory result;
  result.graph = std::make_shared<resource_graph>(*graph);
  auto pool = resource_pool::make(std::move(*graph), std::move(*any));
  if (!pool)
    return refuse(pool.error());
  if ((*pool)->inventory().empty())
    return make_error(
        ec::bad_argument,
        fmt::format("resource.graph={}: no vertex has a rank, so nothing can run", path));
  result.all = (*pool)->inventory();
  return result;
}

std::string queue_states_json(const scheduler_core& core) {
  auto all = json::object();
  for (auto& q : core.queues()) {
    auto state = json::object();
    if (!q.started)
      state["stopped"] = q.started_note;
    if (!q.enabled)
      state["disabled"] = q.enabled_note;
    if (!state.empty())
      all[q.name] = std::move(state);
  }
  return dump(all);
}

void restore_queue_states(const std::string& text, scheduler_core& core) {
  auto all = parse_json(text);
  if (text.empty() || !all || !all->is_object())
    return;
  for (auto& [name, state] : all->items()) {
    auto note = [&state = state](const char* key) -> std::optional<std::string> {
      auto i = state.find(key);
      return i != state.end() && i->is_string() ? std::optional{i->get<std::string>()}
                                                : std::nullopt;
    };
    // A queue that the settings no longer have is passed over.
    if (auto reason = note("stopped"))
      (void)core.stop(name, *reason);
    if (auto reason = note("disabled"))
      (void)core.disable(name, *reason);
  }
}

} // namespace hactor
