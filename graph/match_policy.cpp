// See match_policy.hpp. The scores and orders are Fluxion's (formats: its policies low, high, ...).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_policy.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

namespace hactor {

namespace {

class by_id final : public match_policy {
public:
  int64_t score(const resource_graph& graph, vertex v) const override {
    return std::max<int64_t>(graph.id(v) + 1, 0);
  }
};

/// Classes of performance, 0 the best; what has none is the worst.
class by_class final : public match_policy {
public:
  int64_t score(const resource_graph& graph, vertex v) const override {
    constexpr int64_t worst = 9999;
    auto& all = graph.properties(v);
    auto i = all.find("perf_class");
    if (i == all.end())
      return worst;
    int64_t value = 0;
    auto [end, error] =
        std::from_chars(i->second.data(), i->second.data() + i->second.size(), value);
    return error != std::errc{} || value < 0 || value > worst ? worst : value;
  }
};

const std::map<std::string_view, std::string_view> by_parts{
    {"first", "policy=high node_centric=true stop_on_1_matches=true"},
    {"firstnodex", "policy=high node_centric=true node_exclusive=true stop_on_1_matches=true"},
    {"high", "policy=high"},
    {"low", "policy=low"},
    {"hinode", "policy=high node_centric=true"},
    {"lonode", "policy=low node_centric=true"},
    {"hinodex", "policy=high node_centric=true node_exclusive=true"},
    {"lonodex", "policy=low node_centric=true node_exclusive=true"},
};

constexpr std::string_view names =
    "first, firstnodex, high, low, hinode, lonode, hinodex, lonodex, "
    "locality, variation, or \"policy=high|low [node_centric=true] "
    "[node_exclusive=true] [stop_on_1_matches=true]\"";

caf::error refuse(std::string_view text, std::string_view why) {
  return make_error(ec::bad_argument,
                    fmt::format("match policy \"{}\": {}; there are {}", text, why, names));
}

caf::expected<std::shared_ptr<const match_policy>> from_parts(std::string_view text,
                                                              std::string_view name) {
  auto result = std::make_shared<by_id>();
  std::map<std::string_view, std::string_view> parts;
  for (auto rest = text; !rest.empty();) {
    auto end = std::min(rest.find(' '), rest.size());
    auto part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    auto equals = part.find('=');
    if (equals == std::string_view::npos)
      return refuse(name, fmt::format("unknown: \"{}\"", part));
    auto key = part.substr(0, equals), value = part.substr(equals + 1);
    if (!parts.emplace(key, value).second)
      return refuse(name, fmt::format("{} is there twice", key));
    bool* flag = key == "node_centric"        ? &result->node_centric
                 : key == "node_exclusive"    ? &result->node_exclusive
                 : key == "stop_on_1_matches" ? &result->stop_at_first
                                              : nullptr;
    if (key == "policy") {
      if (value != "high" && value != "low")
        return refuse(name, fmt::format("policy must be high or low, found \"{}\"", value));
      result->order = value == "low" ? score_order::low : score_order::high;
    } else if (flag == nullptr) {
      return refuse(name, fmt::format("unknown: \"{}\"", key));
    } else if (value != "true" && value != "false") {
      return refuse(name, fmt::format("{} must be true or false, found \"{}\"", key, value));
    } else {
      *flag = value == "true";
    }
  }
  if (parts.count("policy") == 0)
    return refuse(name, "policy=high or policy=low is missing");
  result->name = name;
  result->order_within = result->order_of_slots = result->order;
  return std::shared_ptr<const match_policy>{std::move(result)};
}

} // namespace

caf::expected<std::shared_ptr<const match_policy>> make_match_policy(std::string_view text) {
  if (auto i = by_parts.find(text); i != by_parts.end())
    return from_parts(i->second, text);
  if (text == "locality") {
    auto result = std::make_shared<by_id>();
    result->name = text;
    result->order = score_order::runs;
    return std::shared_ptr<const match_policy>{std::move(result)};
  }
  if (text == "variation") {
    auto result = std::make_shared<by_class>();
    result->name = text;
    result->order = result->order_within = score_order::low;
    return std::shared_ptr<const match_policy>{std::move(result)};
  }
  if (text.find('=') == std::string_view::npos)
    return refuse(text, "unknown");
  return from_parts(text, text);
}

} // namespace hactor
