// See rset_extra.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/rset_extra.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "graph/document.hpp"
#include "runtime/json.hpp"

namespace hactor {

namespace {

caf::error bad(std::string_view key, size_t index, std::string_view wanted, const json& found) {
  return make_error(ec::bad_rset, fmt::format("scheduling.{}[{}]: must be {}, found {}", key, index,
                                              wanted, brief(found)));
}

/// A list of `size` elements, of which the last is a number >= 0 and the others are texts.
bool is_row(const json& x, size_t size) {
  if (!x.is_array() || x.size() != size || !x.back().is_number_unsigned())
    return false;
  for (size_t i = 0; i + 1 < size; ++i)
    if (!x[i].is_string())
      return false;
  return true;
}

/// Calls `read` with each row of a list that may be absent; a row has so many elements.
template <class Read>
caf::error each_row(const json& from, const char* key, size_t least, size_t most,
                    std::string_view wanted, Read read) {
  auto list = from.find(key);
  if (list == from.end())
    return {};
  if (!list->is_array())
    return bad(key, 0, "a list", *list);
  for (size_t i = 0; i < list->size(); ++i)
    if (auto& row = (*list)[i]; !is_row(row, std::clamp(row.size(), least, most)) || !read(row))
      return bad(key, i, wanted, row);
  return {};
}

/// Rows of sets: of ranks, of their cores, of their GPUs.
caf::error read_near(const json& from, std::vector<rset_extra::rank_group>& out) {
  auto list = from.find("near");
  if (list == from.end())
    return {};
  constexpr auto wanted = "[ranks, cores, gpus]";
  if (!list->is_array())
    return bad("near", 0, "a list", *list);
  for (size_t i = 0; i < list->size(); ++i) {
    auto& row = (*list)[i];
    if (!row.is_array() || row.size() != 3)
      return bad("near", i, wanted, row);
    idset sets[3];
    for (size_t k = 0; k < 3; ++k) {
      auto ids = row[k].is_string() ? idset::parse(row[k].get_ref<const std::string&>())
                                    : caf::expected<idset>{make_error(ec::bad_idset)};
      if (!ids)
        return bad("near", i, wanted, row);
      sets[k] = std::move(*ids);
    }
    out.push_back({std::move(sets[0]), {std::move(sets[1]), std::move(sets[2])}});
  }
  return {};
}

std::optional<int32_t> read_rank(const std::string& text) {
  int32_t rank = 0;
  auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), rank);
  if (err != std::errc{} || end != text.data() + text.size() || rank < -1)
    return std::nullopt;
  return rank;
}

} // namespace

std::vector<near_group> rset_extra::near_on(rank_t rank) const {
  std::vector<near_group> groups;
  for (auto& [ranks, group] : near)
    if (ranks.contains(rank))
      groups.push_back(group);
  return groups;
}

std::string to_json(const rset_extra& extra) {
  if (extra.empty())
    return {};
  json out{{"writer", "hactor"}};
  for (const auto& [ranks, label, count] : extra.slots)
    if (label.empty())
      out["slots"].push_back({ranks.to_string(), count});
    else
      out["slots"].push_back({ranks.to_string(), label, count});
  for (const auto& x : extra.others)
    out["others"].push_back({x.path, std::to_string(x.rank), x.units});
  for (const auto& x : extra.charges)
    if (x.rank < 0)
      out["charges"].push_back({x.subsystem, x.path, x.units});
    else
      out["charges"].push_back({x.subsystem, x.path, std::to_string(x.rank), x.units});
  for (const auto& [ranks, group] : extra.near)
    out["near"].push_back({ranks.to_string(), group.cores.to_string(), group.gpus.to_string()});
  auto text = dump(out);
  if (!extra.graph.empty()) // as it is: it may be long
    text.insert(1, "\"graph\":" + extra.graph + ",");
  return text;
}

caf::expected<rset_extra> parse_rset_extra(std::string_view text) {
  rset_extra r;
  if (text.empty())
    return r;
  auto all = parse_json(text);
  if (!all)
    return all.error();
  if (!all->is_object() || !all->contains("writer") || (*all)["writer"] != "hactor")
    return r;
  auto e = each_row(*all, "slots", 2, 3, "[ranks, label, count]", [&](const json& x) {
    auto ranks = idset::parse(x[0].get_ref<const std::string&>());
    if (!ranks || x.back() > UINT32_MAX)
      return false;
    auto label = x.size() == 3 ? x[1].get<std::string>() : std::string{};
    r.slots.push_back({std::move(*ranks), std::move(label), x.back().get<uint32_t>()});
    return true;
  });
  if (!e)
    e = each_row(*all, "others", 3, 3, "[path, rank, units]", [&](const json& x) {
      auto rank = read_rank(x[1].get_ref<const std::string&>());
      if (rank)
        r.others.push_back({x[0].get<std::string>(), *rank, x[2].get<int64_t>()});
      return rank.has_value();
    });
  if (!e)
    e = each_row(*all, "charges", 3, 4, "[subsystem, path, rank, units]", [&](const json& x) {
      auto rank = x.size() == 4 ? read_rank(x[2].get_ref<const std::string&>()) : -1;
      if (rank)
        r.charges.push_back(
            {x[0].get<std::string>(), x[1].get<std::string>(), x.back().get<int64_t>(), *rank});
      return rank.has_value();
    });
  if (!e)
    e = read_near(*all, r.near);
  if (e)
    return e;
  if (auto graph = all->find("graph"); graph != all->end()) {
    if (!graph->is_object())
      return make_error(ec::bad_rset, fmt::format("scheduling.graph: must be a mapping with nodes "
                                                  "and edges, found {}",
                                                  brief(*graph)));
    r.graph = dump(*graph);
  }
  return r;
}

std::string keep_graph_ranks(const std::string& graph, const idset& ranks) {
  auto all = parse_json(graph);
  if (!all || !all->is_object())
    return {};
  auto list = [&all](const char* key) {
    auto i = all->find(key);
    return i != all->end() && i->is_array() ? &*i : nullptr;
  };
  auto *nodes = list("nodes"), *edges = list("edges");
  if (nodes == nullptr || edges == nullptr)
    return {};
  std::set<std::string> gone;
  std::erase_if(nodes->get_ref<json::array_t&>(), [&](const json& node) {
    auto* rank = find_json(node, "metadata.rank");
    auto* id = find_json(node, "id");
    auto is_other = rank != nullptr && rank->is_number_unsigned() && *rank <= UINT32_MAX
                    && !ranks.contains(rank->get<uint32_t>());
    if (is_other && id != nullptr)
      gone.insert(dump(*id));
    return is_other;
  });
  std::erase_if(edges->get_ref<json::array_t&>(), [&](const json& edge) {
    auto *from = find_json(edge, "source"), *to = find_json(edge, "target");
    return (from != nullptr && gone.contains(dump(*from)))
           || (to != nullptr && gone.contains(dump(*to)));
  });
  return dump(*all);
}

} // namespace hactor
