// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/child_plan.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "actors/queue_policy.hpp"
#include "runtime/json.hpp"

namespace hactor {

namespace {

/// Children of one instance: as many jobs as a node of ours serves well. Levels: each is some
/// milliseconds for every job.
constexpr uint32_t children_max = 4096;
constexpr size_t levels_max = 8;

/// Of two things that are dealt to `n`, the part of number `i`: the first get what is left over.
uint32_t even_part(uint64_t all, size_t n, size_t i) {
  return static_cast<uint32_t>(all / n + (i < all % n ? 1 : 0));
}

bool has_all(const rset& all, const node_share& node) {
  auto* whole = all.find(node.rank);
  return whole != nullptr && whole->cores == node.cores && whole->gpus == node.gpus;
}

std::string tree_text(const std::vector<uint32_t>& tree, size_t from) {
  std::string text;
  for (auto i = from; i < tree.size(); ++i)
    text += (text.empty() ? "" : "x") + std::to_string(tree[i]);
  return text;
}

} // namespace

caf::expected<std::vector<uint32_t>> parse_tree(const std::string& text) {
  std::vector<uint32_t> tree;
  auto bad = [&] {
    return make_error(ec::bad_argument,
                      fmt::format("sched.tree={}: must be like 4 or 2x4: 1 to {} children of the "
                                  "instance, of each of them, and so on, at most {} levels",
                                  text, children_max, levels_max));
  };
  std::string_view rest = text;
  while (!rest.empty()) {
    auto word = rest.substr(0, rest.find('x'));
    uint32_t n = 0;
    auto [end, err] = std::from_chars(word.data(), word.data() + word.size(), n);
    if (err != std::errc{} || end != word.data() + word.size() || n == 0 || n > children_max)
      return bad();
    tree.push_back(n);
    if (word.size() + 1 == rest.size())
      return bad(); // ends with an x
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  if (tree.size() > levels_max)
    return bad();
  return tree;
}

caf::expected<std::optional<hierarchy_settings>> read_hierarchy(const config& attributes) {
  using result = std::optional<hierarchy_settings>;
  if (attributes.text("sched.policy") != "hierarchy")
    return result{};
  hierarchy_settings s;
  auto tree = parse_tree(attributes.text("sched.tree"));
  if (!tree)
    return std::move(tree.error());
  s.tree = std::move(*tree);
  auto leaf_policy = attributes.text("sched.leaf_policy");
  if (auto policy = make_queue_policy(leaf_policy, 0); !policy)
    return make_error(ec::bad_argument, "sched.leaf_policy: " + render(policy.error()));
  if (s.tree.size() > 1) {
    s.of_children.emplace_back("sched.policy", "hierarchy");
    s.of_children.emplace_back("sched.tree", tree_text(s.tree, 1));
    s.of_children.emplace_back("sched.leaf_policy", leaf_policy);
  } else {
    s.of_children.emplace_back("sched.policy", leaf_policy);
  }
  for (auto& entry : attributes.list())
    for (auto* passed : {"sched.match", "sched.queues", "sched.default_queue", "sched.queue_depth",
                         "sched.reservation_depth", "sched.traverser", "sched.match_format",
                         "sched.prune_filters", "sched.cut_at_end"})
      if (entry.name == passed && !entry.is_default)
        s.of_children.emplace_back(entry.name, entry.value);
  return result{std::move(s)};
}

std::vector<child_share> plan_children(const rset& all, uint32_t wanted) {
  std::vector<child_share> shares;
  auto nodes = all.nodes.size();
  if (nodes == 0)
    return shares;
  if (wanted == 0)
    wanted = nodes == 1 ? 2 : static_cast<uint32_t>(std::min<size_t>(nodes, children_max));
  if (nodes >= wanted) {
    for (size_t i = 0; i < wanted; ++i)
      shares.push_back({even_part(nodes, wanted, i), 0, 0});
    return shares;
  }
  for (size_t i = 0; i < nodes; ++i) {
    auto cores = all.nodes[i].cores.size();
    auto here = std::min<uint64_t>(even_part(wanted, nodes, i), cores);
    for (size_t n = 0; n < here; ++n)
      shares.push_back(
          {0, even_part(cores, here, n), even_part(all.nodes[i].gpus.size(), here, n)});
  }
  return shares;
}

child_share fit_share(const child_share& wanted, const rset& all, const rset& rest) {
  child_share found;
  for (auto& node : rest.nodes) {
    if (wanted.nodes > 0) {
      if (found.nodes < wanted.nodes && has_all(all, node))
        ++found.nodes;
      continue;
    }
    child_share here{0, static_cast<uint32_t>(std::min<uint64_t>(node.cores.size(), wanted.cores)),
                     static_cast<uint32_t>(std::min<uint64_t>(node.gpus.size(), wanted.gpus))};
    if (here.cores > found.cores || (here.cores == found.cores && here.gpus > found.gpus))
      found = here;
  }
  return found;
}

std::string child_jobspec(const hierarchy_settings& settings, const child_share& share,
                          const std::string& program, size_t place) {
  json inside = json::array({{{"type", "core"}, {"count", std::max(share.cores, 1u)}}});
  if (share.gpus > 0)
    inside.push_back({{"type", "gpu"}, {"count", share.gpus}});
  json node = {{"type", "node"}, {"count", std::max(share.nodes, 1u)}};
  if (share.nodes > 0)
    node["exclusive"] = true;
  json slot = {{"type", "slot"}, {"count", 1}, {"label", "task"}, {"with", std::move(inside)}};
  node["with"] = json::array({std::move(slot)});
  json command = json::array({program, "start", "--serve"});
  for (auto& [name, value] : settings.of_children)
    command.push_back("--setattr=" + name + "=" + value);
  json system = {{"cwd", "/"},
                 {"duration", 0},
                 {"child", true},
                 {"job", {{"name", fmt::format("child-{}", place)}}}};
  json spec = {{"version", 9999},
               {"resources", json::array({std::move(node)})},
               {"tasks", json::array({{{"command", std::move(command)},
                                       {"slot", "task"},
                                       {"count", {{"total", 1}}}}})},
               {"attributes", {{"system", std::move(system)}}}};
  return dump(spec);
}

} // namespace hactor
