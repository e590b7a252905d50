// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/resource_core.hpp"

#include <charconv>
#include <map>

#include <fmt/format.h>

#include "runtime/hostlist.hpp"
#include "runtime/json.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

bool disjoint_bindings(const std::vector<hardware>& all, const std::vector<size_t>& here) {
  idset seen;
  for (auto i : here) {
    if (all[i].bound_cores.empty() || all[i].bound_cores.intersects(seen))
      return false;
    seen.add_all(all[i].bound_cores);
  }
  return true;
}

/// The part of `all` for one of `count` sharers: runs as even as can be; when there are fewer ids
/// than sharers, one id each, used several times.
idset even_part(const idset& all, size_t index, size_t count) {
  auto n = all.size();
  if (n == 0)
    return {};
  if (n < count)
    return idset::single(all.nth(index % n));
  auto rest = all;
  rest.take_first(n * index / count);
  return rest.take_first(n * (index + 1) / count - n * index / count);
}

/// GPUs cannot be shared unasked: with fewer than sharers, the first sharers have one each.
idset gpu_part(const idset& all, size_t index, size_t count) {
  if (all.size() >= count)
    return even_part(all, index, count);
  return index < all.size() ? idset::single(all.nth(index)) : idset{};
}

} // namespace

namespace {

/// What the person who started this should know of how a host was divided; "" when it is as
/// expected: a rank has its host alone, and all of it.
std::string note_of(size_t ranks, size_t cores, size_t used, bool bound, bool oversubscribe) {
  constexpr auto unbind = "with Open MPI, --bind-to none gives all";
  if (ranks == 1)
    return used == cores || oversubscribe
               ? std::string{}
               : fmt::format("the launcher bound it to {} of {} cores; {}", used, cores, unbind);
  if (oversubscribe)
    return fmt::format("each has all {} cores (--oversubscribe)", cores);
  if (bound && used < cores)
    return fmt::format("the launcher bound them to {} of {} cores; {}", used, cores, unbind);
  if (bound)
    return fmt::format("they split its {} cores as the launcher bound them", cores);
  if (cores < ranks)
    return fmt::format("it has {} cores only, so ranks share cores, one each", cores);
  return fmt::format("they split its {} cores evenly", cores);
}

} // namespace

instance_resources divide_hosts(const std::vector<hardware>& ranks, bool oversubscribe) {
  instance_resources r;
  std::map<std::string, std::vector<size_t>> by_host;
  for (size_t i = 0; i < ranks.size(); ++i)
    by_host[ranks[i].hostname].push_back(i);
  r.all.nodes.resize(ranks.size());
  std::map<std::pair<size_t, std::string>, std::vector<std::string>> notes; // by ranks and text
  for (auto& [host, here] : by_host) {
    auto bound = disjoint_bindings(ranks, here);
    auto& gpus = ranks[here.front()].gpus; // only the first rank of a host looks for them
    idset used;
    for (size_t k = 0; k < here.size(); ++k) {
      auto& own = ranks[here[k]];
      auto& node = r.all.nodes[here[k]];
      node.rank = static_cast<rank_t>(here[k]);
      if (oversubscribe || here.size() == 1) {
        node.cores = oversubscribe || own.bound_cores.empty() ? own.cores : own.bound_cores;
        node.gpus = gpus;
      } else {
        node.cores = bound ? own.bound_cores : even_part(own.cores, k, here.size());
        node.gpus = gpu_part(gpus, k, here.size());
      }
      used.add_all(node.cores);
    }
    auto text =
        note_of(here.size(), ranks[here.front()].cores.size(), used.size(), bound, oversubscribe);
    if (!text.empty())
      notes[{here.size(), text}].push_back(host);
  }
  for (auto& [what, hosts] : notes)
    r.notes.push_back(fmt::format("{} rank{} on {}{}: {}", what.first, what.first == 1 ? "" : "s",
                                  hosts.size() == 1 ? "" : "each of ", format_hostlist(hosts),
                                  what.second));
  for (auto& rank : ranks)
    r.all.nodelist.push_back(rank.hostname);
  return r;
}

namespace {

idset granted_of(const idset& all, const idset& granted) {
  auto part = all.intersect(granted);
  for (auto id : all.expand())
    if (part.size() < granted.size())
      part.add(id);
  return part;
}

} // namespace

void confine(hardware& own, const std::optional<idset>& cores, const std::optional<idset>& gpus) {
  if (cores) {
    own.cores = granted_of(own.cores, *cores);
    own.bound_cores = own.bound_cores.intersect(own.cores);
  }
  if (gpus)
    own.gpus = granted_of(own.gpus, *gpus);
}

bool shares_cores(const rset& all, rank_t rank) {
  auto& own = all.nodes.at(rank);
  for (size_t i = 0; i < all.nodes.size(); ++i)
    if (i != rank && all.host(i) == all.host(rank) && all.nodes[i].cores.intersects(own.cores))
      return true;
  return false;
}

caf::expected<rset> fake_resources(const std::string& text) {
  auto refuse = [&](const std::string& why) {
    return make_error(ec::bad_argument,
                      fmt::format("resource.fake: {}; must be like nodes=1000,cores=40,gpus=4, "
                                  "found \"{}\"",
                                  why, text));
  };
  std::map<std::string, uint64_t> values{{"nodes", 1}, {"cores", 1}, {"gpus", 0}};
  std::string_view rest = text;
  while (!rest.empty()) {
    auto item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    auto equals = item.find('=');
    auto it = values.find(std::string{item.substr(0, equals)});
    if (equals == std::string_view::npos || it == values.end())
      return refuse(fmt::format("\"{}\" is not nodes=, cores= or gpus=", item));
    auto digits = item.substr(equals + 1);
    auto [end, err] = std::from_chars(digits.data(), digits.data() + digits.size(), it->second);
    if (err != std::errc{} || end != digits.data() + digits.size())
      return refuse(fmt::format("\"{}\" is not a number", digits));
  }
  if (values["nodes"] < 1 || values["nodes"] > limits::hostlist_hosts_max || values["cores"] < 1
      || values["cores"] > 65536 || values["gpus"] > 65536)
    return refuse(fmt::format("1 to {} nodes, 1 to 65536 cores and 0 to 65536 gpus a node",
                              limits::hostlist_hosts_max));
  rset r;
  auto last = [&](const char* what) { return static_cast<uint32_t>(values[what]) - 1; };
  for (uint32_t i = 0; i <= last("nodes"); ++i) {
    node_share node;
    node.rank = i;
    node.cores = idset::range(0, last("cores"));
    if (values["gpus"] > 0)
      node.gpus = idset::range(0, last("gpus"));
    r.nodes.push_back(std::move(node));
    r.nodelist.push_back(fmt::format("fake{}", i));
  }
  return r;
}

idset attachable_ranks(const rset& all, uint32_t brokers, const idset& lost_brokers) {
  auto have = all.ranks();
  auto hosts_others = !have.empty() && have.last() >= brokers && lost_brokers.empty();
  auto ranks = idset::range(0, hosts_others ? limits::idset_universe_max - 1 : brokers - 1);
  ranks.remove_all(lost_brokers);
  ranks.remove_all(have);
  return ranks;
}

// -- drains ---------------------------------------------------------------------------------------

caf::error drain_table::drain(const idset& ranks, const std::string& reason, bool update,
                              double now_s) {
  auto already = ranks.intersect(this->ranks());
  if (!update && !already.empty())
    return make_error(ec::wrong_state,
                      fmt::format("ranks {} are drained already; --update changes the reason",
                                  already.to_string()));
  for (auto rank : ranks.expand()) {
    auto [at, is_new] = drained_.try_emplace(rank, drained_rank{rank, now_s, reason});
    if (!is_new)
      at->second.reason = reason;
  }
  return {};
}

caf::error drain_table::undrain(const idset& ranks) {
  auto others = ranks;
  others.remove_all(this->ranks());
  if (!others.empty())
    return make_error(ec::wrong_state, fmt::format("ranks {} are not drained", others.to_string()));
  for (auto rank : ranks.expand())
    drained_.erase(rank);
  return {};
}

idset drain_table::ranks() const {
  idset r;
  for (auto& [rank, d] : drained_)
    r.add(rank);
  return r;
}

std::string drain_table::to_json() const {
  auto list = json::array();
  for (auto& [rank, d] : drained_)
    list.push_back({{"rank", rank}, {"since", d.since}, {"reason", d.reason}});
  return dump(list);
}

drain_table drain_table::from_json(const std::string& text) {
  drain_table t;
  auto list = parse_json(text);
  if (text.empty() || !list || !list->is_array())
    return t;
  for (auto& x : *list)
    if (x.is_object() && x.contains("rank") && x["rank"].is_number_unsigned() && x.contains("since")
        && x["since"].is_number() && x.contains("reason") && x["reason"].is_string()) {
      auto rank = x["rank"].get<rank_t>();
      t.drained_[rank] = {rank, x["since"].get<double>(), x["reason"].get<std::string>()};
    }
  return t;
}

caf::expected<idset> ranks_of(const rset& all, const drain_request& request) {
  auto ranks = request.ranks;
  auto unknown = ranks;
  unknown.remove_all(all.ranks());
  if (!unknown.empty())
    return make_error(
        ec::unknown_rank,
        fmt::format("there are no ranks {}; nodes are named by rank, {}, or by host, {}",
                    unknown.to_string(), all.ranks().to_string(), format_hostlist(all.nodelist)));
  if (request.hosts.empty())
    return ranks;
  auto hosts = parse_hostlist(request.hosts);
  if (!hosts)
    return std::move(hosts.error());
  for (auto& host : *hosts) {
    bool found = false;
    for (size_t i = 0; i < all.nodes.size(); ++i)
      if (all.host(i) == host) {
        ranks.add(all.nodes[i].rank);
        found = true;
      }
    if (!found)
      return make_error(ec::bad_argument,
                        fmt::format("there is no host {}; nodes are named by rank, {}, or by host, "
                                    "{}",
                                    host, all.ranks().to_string(), format_hostlist(all.nodelist)));
  }
  return ranks;
}

} // namespace hactor
