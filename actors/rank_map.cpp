// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/rank_map.hpp"

#include <map>

#include "graph/rset_extra.hpp"

namespace hactor {

namespace {

/// The same for what cores and GPUs cannot say. Text of another writer is left as it is.
template <class F>
std::string renumber_extra(const std::string& text, F number) {
  auto extra = parse_rset_extra(text);
  if (!extra || extra->empty())
    return text;
  auto rename_all = [&number](idset& ranks) {
    idset renamed;
    for (auto rank : ranks.expand())
      renamed.add(number(static_cast<rank_t>(rank)));
    ranks = std::move(renamed);
  };
  for (auto& s : extra->slots)
    rename_all(s.ranks);
  for (auto& g : extra->near)
    rename_all(g.ranks);
  auto rename = [&number](int32_t& rank) {
    if (rank >= 0)
      rank = static_cast<int32_t>(number(static_cast<rank_t>(rank)));
  };
  for (auto& x : extra->others)
    rename(x.rank);
  for (auto& x : extra->charges)
    rename(x.rank);
  extra->graph.clear(); // whoever runs the job asks for no more than the rest says
  return to_json(*extra);
}

/// Gives every node, and the ranks of its properties, another number. The order stays.
template <class F>
void renumber(rset& r, F number) {
  for (auto& node : r.nodes)
    node.rank = number(node.rank);
  for (auto& [name, ranks] : r.properties) {
    idset renamed;
    for (auto rank : ranks.expand())
      renamed.add(number(static_cast<rank_t>(rank)));
    ranks = std::move(renamed);
  }
}

} // namespace

rset rank_map::to_system(rset r) const {
  if (nodes_.empty())
    return r;
  auto number = [this](rank_t rank) { return node(rank); };
  renumber(r, number);
  if (!r.scheduling.empty())
    r.scheduling = renumber_extra(r.scheduling, number);
  return r;
}

rank_t rank_map::rank_on(rank_t broker) const {
  for (size_t i = 0; i < nodes_.size(); ++i)
    if ((nodes_[i] & given_back) == 0 && nodes_[i] % brokers_ == broker)
      return static_cast<rank_t>(i);
  return broker;
}

rset as_instance(const rset& grant, const std::vector<rank_t>& order) {
  auto r = grant;
  std::map<rank_t, rank_t> own;
  for (auto rank : order)
    own.emplace(rank, static_cast<rank_t>(own.size()));
  for (size_t i = 0; i < grant.nodes.size(); ++i) {
    auto to = own.at(grant.nodes[i].rank);
    r.nodes.at(to) = grant.nodes[i];
    if (!grant.nodelist.empty())
      r.nodelist.at(to) = grant.nodelist[i];
  }
  for (auto& [name, ranks] : r.properties) { // of the parent's other nodes too
    idset kept;
    for (auto rank : ranks.expand())
      if (own.count(static_cast<rank_t>(rank)) != 0)
        kept.add(rank);
    ranks = std::move(kept);
  }
  renumber(r, [&own](rank_t rank) { return own.at(rank); });
  if (r.expiration <= 0)
    r.starttime = 0; // it has no window
  r.nslots = 0;
  r.scheduling.clear();
  return r;
}

} // namespace hactor
