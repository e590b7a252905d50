// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/tree_plan.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

#include <fmt/format.h>

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

std::vector<std::string> cut(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    auto end = std::min(text.find_first_of(separators, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

caf::expected<std::vector<tree_level>> read_topology(std::string_view text) {
  std::vector<tree_level> levels;
  uint64_t leaves = 1;
  for (auto& part : cut(text, "x")) {
    tree_level level;
    auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), level.width);
    if (code != std::errc{} || end != part.data() + part.size() || level.width == 0
        || level.width > tree_width_max)
      return bad(fmt::format("--topology: '{}' is not like 4, 2x2 or 2x4x4, with up to {} children",
                             text, tree_width_max));
    leaves *= level.width;
    if (leaves > 1'000'000)
      return bad(fmt::format("--topology: '{}' is more than a million instances", text));
    levels.push_back(std::move(level));
  }
  if (levels.size() > tree_depth_max)
    return bad(fmt::format("--topology: '{}' is more than {} levels", text, tree_depth_max));
  return levels;
}

/// Sets a field of the levels to the parts of `text`.
caf::error deal(std::vector<tree_level>& levels, const char* option, std::string_view text,
                std::string_view separators, std::string tree_level::*field) {
  if (text.empty())
    return {};
  auto parts = cut(text, separators);
  if (parts.size() > levels.size())
    return bad(fmt::format("--{}: '{}' is for {} levels, and --topology has {}", option, text,
                           parts.size(), levels.size()));
  for (size_t i = 0; i < parts.size(); ++i)
    if (parts[i] != "default")
      levels[i].*field = std::move(parts[i]);
  return {};
}

/// "queue-depth=5" becomes "sched.queue_depth=5"; "" when it is no parameter.
std::string setting_of(std::string_view param) {
  for (auto [name, attribute] :
       {std::pair<std::string_view, const char*>{"queue-depth=", "sched.queue_depth="},
        {"reservation-depth=", "sched.reservation_depth="}})
    if (param.starts_with(name))
      return attribute + std::string{param.substr(name.size())};
  return {};
}

using shape = std::tuple<uint32_t, uint32_t, uint32_t>; // nodes, cores, GPUs

/// The smallest parts when `width` children share a node or several.
struct cut_node {
  uint32_t children; // of a node that has most
  uint32_t cores, gpus;
};

cut_node smallest(const shape& s, uint32_t width) {
  auto [nodes, cores, gpus] = s;
  if (width <= nodes)
    return {1, cores, gpus};
  auto children = (width + nodes - 1) / nodes;
  return {children, cores / children, gpus / children};
}

} // namespace

caf::expected<std::vector<tree_level>> read_levels(std::string_view topology,
                                                   std::string_view policies,
                                                   std::string_view params,
                                                   std::string_view matches) {
  auto levels = read_topology(topology);
  if (!levels)
    return levels;
  auto are_policies = !params.empty() && params.find('=') == params.npos;
  if (are_policies && !policies.empty())
    return bad("--queue-policy and --queue-params both say policies; parameters are like "
               "queue-depth=5");
  if (are_policies)
    policies = std::exchange(params, {});
  if (auto e = deal(*levels, "queue-policy", policies, ":,", &tree_level::policy))
    return e;
  if (auto e = deal(*levels, "queue-params", params, ":", &tree_level::params))
    return e;
  if (auto e = deal(*levels, "match-policy", matches, ":", &tree_level::match))
    return e;
  for (auto& level : *levels)
    for (auto& param : cut(level.params, ","))
      if (!param.empty() && setting_of(param).empty())
        return bad("--queue-params: '" + param
                   + "' is neither queue-depth=N nor reservation-depth=N");
  return levels;
}

level_texts texts_of(const std::vector<tree_level>& levels, size_t skip) {
  level_texts t;
  for (auto i = skip; i < levels.size(); ++i) {
    auto* separator = i == skip ? "" : ":";
    auto& level = levels[i];
    t.topology += (i == skip ? "" : "x") + std::to_string(level.width);
    t.policies += separator + (level.policy.empty() ? "default" : level.policy);
    t.params += separator + level.params;
    t.matches += separator + (level.match.empty() ? "default" : level.match);
  }
  return t;
}

std::vector<std::string> settings_of(const tree_level& level) {
  std::vector<std::string> settings;
  if (!level.policy.empty())
    settings.push_back("sched.policy=" + level.policy);
  for (auto& param : cut(level.params, ","))
    if (!param.empty())
      settings.push_back(setting_of(param));
  if (!level.match.empty())
    settings.push_back("sched.match=" + level.match);
  return settings;
}

std::vector<tree_share> split(const tree_share& whole, uint32_t width) {
  std::vector<tree_share> children;
  auto first = whole.first;
  auto add = [&](uint32_t nodes, uint32_t cores, uint32_t gpus) {
    auto i = children.size();
    auto jobs = whole.jobs / width + (i < whole.jobs % width);
    children.push_back({whole.id + "." + std::to_string(i + 1), nodes, cores, gpus, first, jobs});
    first += jobs;
  };
  if (width <= whole.nodes) {
    for (uint32_t i = 0; i < width; ++i)
      add(whole.nodes / width + (i < whole.nodes % width), whole.cores, whole.gpus);
    return children;
  }
  // Node by node, so that a scheduler that takes them in this order fills each before the next.
  for (uint32_t node = 0; node < whole.nodes; ++node) {
    auto parts = width / whole.nodes + (node < width % whole.nodes);
    for (uint32_t i = 0; i < parts; ++i)
      add(1, whole.cores / parts + (i < whole.cores % parts),
          whole.gpus / parts + (i < whole.gpus % parts));
  }
  return children;
}

caf::error judge_tree(const tree_share& whole, const std::vector<tree_level>& levels) {
  std::set<shape> shapes{{whole.nodes, whole.cores, whole.gpus}}; // that instances of a level have
  for (size_t i = 0; i < levels.size(); ++i) {
    std::set<shape> below;
    for (auto& s : shapes) {
      auto [nodes, cores, gpus] = s;
      auto least = smallest(s, levels[i].width);
      auto what = least.cores == 0 ? "core" : gpus > 0 && least.gpus == 0 ? "GPU" : nullptr;
      if (what != nullptr)
        return bad(fmt::format(
            "--topology: {} children of {} would not have a {} each: {} would share a node of {} "
            "cores{}",
            levels[i].width, i == 0 ? "this instance" : fmt::format("an instance at level {}", i),
            what, least.children, cores, gpus > 0 ? fmt::format(" and {} GPUs", gpus) : ""));
      for (auto& child : split({"", nodes, cores, gpus, 0, 0}, levels[i].width))
        below.emplace(child.nodes, child.cores, child.gpus);
    }
    shapes = std::move(below);
  }
  return {};
}

uint64_t leaves_of(const std::vector<tree_level>& levels) {
  uint64_t leaves = 1;
  for (auto& level : levels)
    leaves *= level.width;
  return leaves;
}

std::string fill_tree_fields(std::string_view text, const tree_share& leaf) {
  auto place = [](int64_t offset) {
    return offset == 0 ? std::string{"{cc}"} : fmt::format("{{cc{:+}}}", offset);
  };
  auto before = static_cast<int64_t>(leaf.first); // jobs of the tree before the leaf's
  std::pair<std::string_view, std::string> fields[] = {{"{seq}", place(before - 1)},
                                                       {"{seq1}", place(before)},
                                                       {"{index}", place(0)},
                                                       {"{treeid}", leaf.id}};
  std::string filled;
  for (size_t at = 0; at < text.size();) {
    auto rest = text.substr(at);
    auto* field = std::find_if(std::begin(fields), std::end(fields),
                               [&](auto& f) { return rest.starts_with(f.first); });
    if (field == std::end(fields)) {
      filled += text[at++];
      continue;
    }
    filled += field->second;
    at += field->first.size();
  }
  return filled;
}

} // namespace hactor::tools
