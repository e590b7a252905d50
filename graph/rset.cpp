// See rset.hpp. Writing is by hand: a grant is written once per job, on the hot path.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/rset.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include <fmt/format.h>

#include "graph/count.hpp"
#include "graph/document.hpp"
#include "graph/rset_extra.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

// -- set operations -----------------------------------------------------------------------------

const node_share nothing;

/// Walks the nodes of both by rank; `visit(share of a, share of b, index in a or b, from a)`.
template <class Visit>
void walk(const rset& a, const rset& b, Visit visit) {
  size_t i = 0;
  size_t k = 0;
  while (i < a.nodes.size() || k < b.nodes.size()) {
    bool in_a = i < a.nodes.size() && (k == b.nodes.size() || a.nodes[i].rank <= b.nodes[k].rank);
    bool in_b = k < b.nodes.size() && (i == a.nodes.size() || b.nodes[k].rank <= a.nodes[i].rank);
    visit(in_a ? a.nodes[i] : nothing, in_b ? b.nodes[k] : nothing, in_a ? i : k, in_a);
    i += in_a;
    k += in_b;
  }
}

property_map keep_ranks(const property_map& properties, const idset& ranks) {
  property_map result;
  for (const auto& [name, have] : properties)
    if (auto both = have.intersect(ranks); !both.empty())
      result.emplace(name, std::move(both));
  return result;
}

/// What our own scheduler said of these ranks, and of none. What others wrote stays.
std::string keep_ranks(const std::string& scheduling, const idset& ranks) {
  auto extra = parse_rset_extra(scheduling);
  if (!extra || extra->empty())
    return scheduling;
  auto is_gone = [&ranks](const auto& x) {
    return x.rank >= 0 && !ranks.contains(static_cast<rank_t>(x.rank));
  };
  std::erase_if(extra->others, is_gone);
  std::erase_if(extra->charges, is_gone);
  auto narrow = [&ranks](auto& x) {
    x.ranks = x.ranks.intersect(ranks);
    return x.ranks.empty();
  };
  std::erase_if(extra->slots, narrow);
  std::erase_if(extra->near, narrow);
  if (!extra->graph.empty())
    extra->graph = keep_graph_ranks(extra->graph, ranks);
  return to_json(*extra);
}

rset header_of(const rset& a) {
  rset result;
  result.starttime = a.starttime;
  result.expiration = a.expiration;
  result.nslots = a.nslots;
  result.scheduling = a.scheduling;
  return result;
}

/// The part of `a` for which `choose(share of a, share of b)` leaves something.
template <class Choose>
rset part_of(const rset& a, const rset& b, Choose choose) {
  auto result = header_of(a);
  walk(a, b, [&](const node_share& x, const node_share& y, size_t index, bool from_a) {
    if (!from_a)
      return;
    node_share share = choose(x, y);
    if (share.cores.empty() && share.gpus.empty())
      return;
    share.rank = x.rank;
    result.nodes.push_back(std::move(share));
    if (!a.nodelist.empty())
      result.nodelist.push_back(a.nodelist[index]);
  });
  if (!a.properties.empty())
    result.properties = keep_ranks(a.properties, result.ranks());
  return result;
}

// -- writing ------------------------------------------------------------------------------------

void append_number(std::string& out, uint64_t x) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, x).ptr);
}

void append_seconds(std::string& out, double x) {
  // The longest double in fixed notation has 309 digits before the point.
  char buffer[400];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::fixed).ptr;
  out.append(buffer, end);
}

void append_idset(std::string& out, const idset& ids) {
  bool first = true;
  for (const auto& run : ids.runs()) {
    if (!std::exchange(first, false))
      out += ',';
    append_number(out, run.first);
    if (run.last != run.first) {
      out += '-';
      append_number(out, run.last);
    }
  }
}

void append_children(std::string& out, const node_share& share) {
  out += "{\"core\":\"";
  append_idset(out, share.cores);
  if (!share.gpus.empty()) {
    out += "\",\"gpu\":\"";
    append_idset(out, share.gpus);
  }
  out += "\"}";
}

void append_entry(std::string& out, const idset& ranks, std::string_view children) {
  out += "{\"rank\":\"";
  append_idset(out, ranks);
  out += "\",\"children\":";
  out += children;
  out += '}';
}

void append_r_lite(std::string& out, const rset& r) {
  if (r.nodes.size() == 1) {
    out += "{\"rank\":\"";
    append_number(out, r.nodes[0].rank);
    out += "\",\"children\":";
    append_children(out, r.nodes[0]);
    out += '}';
    return;
  }
  // Groups in the order of their first rank.
  std::unordered_map<std::string, size_t> group_of;
  std::vector<std::pair<const std::string*, idset>> groups;
  std::string children;
  for (const auto& share : r.nodes) {
    children.clear();
    append_children(children, share);
    auto [at, is_new] = group_of.try_emplace(children, groups.size());
    if (is_new)
      groups.emplace_back(&at->first, idset{});
    groups[at->second].second.add(share.rank);
  }
  for (size_t i = 0; i < groups.size(); ++i) {
    if (i > 0)
      out += ',';
    append_entry(out, groups[i].second, *groups[i].first);
  }
}

// -- reading ------------------------------------------------------------------------------------

caf::error bad(const std::string& path, std::string_view wanted, const json* found) {
  if (!found)
    return make_error(ec::bad_rset, fmt::format("{}: missing; {}", path, wanted));
  return make_error(ec::bad_rset, fmt::format("{}: {}, found {}", path, wanted, brief(*found)));
}

const json* member(const json& object, const char* key) {
  auto i = object.find(key);
  return i == object.end() ? nullptr : &*i;
}

caf::error read_idset(const json* value, const std::string& path, idset& to) {
  if (!value || !value->is_string())
    return bad(path, "must be an idset in a string, e.g. \"0-3\"", value);
  auto ids = idset::parse(value->get_ref<const std::string&>());
  if (!ids)
    return make_error(ec::bad_rset, fmt::format("{}: {}", path, render(ids.error())));
  to = std::move(*ids);
  return {};
}

/// Nodes by rank while reading; hosts are those of the form of 2020.
struct reading {
  std::map<rank_t, node_share> nodes;
  std::map<rank_t, std::string> hosts;
};

caf::error add_share(reading& to, const node_share& share, const std::string& path) {
  auto [at, is_new] = to.nodes.try_emplace(share.rank, share);
  if (is_new)
    return {};
  auto& have = at->second;
  if (have.cores.intersects(share.cores) || have.gpus.intersects(share.gpus))
    return make_error(ec::bad_rset, fmt::format("{}: rank {} has the same core or gpu in two "
                                                "entries",
                                                path, share.rank));
  have.cores.add_all(share.cores);
  have.gpus.add_all(share.gpus);
  return {};
}

caf::error read_entry(const json& value, const std::string& path, reading& to) {
  if (!value.is_object())
    return bad(path, "must be a mapping with rank and children", &value);
  idset ranks;
  if (auto e = read_idset(member(value, "rank"), path + ".rank", ranks))
    return e;
  if (ranks.empty() || to.nodes.size() + ranks.size() > limits::hostlist_hosts_max)
    return bad(path + ".rank",
               fmt::format("must name 1 to {} ranks in all", limits::hostlist_hosts_max),
               member(value, "rank"));
  auto children = member(value, "children");
  if (!children || !children->is_object())
    return bad(path + ".children", "must be a mapping with core and gpu", children);
  node_share share;
  for (auto [key, field] : {std::pair{"core", &share.cores}, std::pair{"gpu", &share.gpus}})
    if (auto x = member(*children, key))
      if (auto e = read_idset(x, fmt::format("{}.children.{}", path, key), *field))
        return e;
  if (share.cores.empty() && share.gpus.empty())
    return bad(path + ".children", "must have a core or a gpu", children);
  auto ids = ranks.expand();
  for (auto rank : ids) {
    share.rank = rank;
    if (auto e = add_share(to, share, path))
      return e;
  }
  auto node = member(value, "node");
  if (!node)
    return {};
  auto text = node->is_string() ? node->get<std::string>() : std::string();
  auto hosts = parse_hostlist(text);
  if (!hosts || hosts->size() != ids.size())
    return bad(path + ".node", fmt::format("must be a hostlist of {} hosts", ids.size()), node);
  for (size_t i = 0; i < ids.size(); ++i)
    to.hosts[ids[i]] = (*hosts)[i];
  return {};
}

caf::error read_nodelist(const json* value, reading& from, rset& to) {
  const std::string path = "execution.nodelist";
  if (!value) {
    if (from.hosts.size() == from.nodes.size())
      for (auto& [rank, host] : from.hosts)
        to.nodelist.push_back(std::move(host));
    return {};
  }
  if (!value->is_array())
    return bad(path, "must be a list of hostlists", value);
  for (size_t i = 0; i < value->size(); ++i) {
    auto where = fmt::format("{}[{}]", path, i);
    if (!(*value)[i].is_string())
      return bad(where, "must be a hostlist", &(*value)[i]);
    auto hosts = parse_hostlist((*value)[i].get_ref<const std::string&>());
    if (!hosts)
      return make_error(ec::bad_rset, fmt::format("{}: {}", where, render(hosts.error())));
    to.nodelist.insert(to.nodelist.end(), hosts->begin(), hosts->end());
    if (to.nodelist.size() > from.nodes.size())
      break; // refused below; a long list of long lists must not be expanded first
  }
  if (!to.nodelist.empty() && to.nodelist.size() != from.nodes.size())
    return make_error(ec::bad_rset, fmt::format("{}: {} hosts for {} ranks", path,
                                                to.nodelist.size(), from.nodes.size()));
  return {};
}

/// Seconds since the epoch that no R goes beyond: integers hold them, and their sums.
constexpr double moment_max_s = 1e12;

caf::error read_numbers(const json& execution, rset& to) {
  for (auto [key, field] :
       {std::pair{"starttime", &to.starttime}, std::pair{"expiration", &to.expiration}}) {
    auto x = member(execution, key);
    if (!x)
      continue;
    *field = x->is_number() ? x->get<double>() : -1;
    if (!(*field >= 0) || *field > moment_max_s)
      return bad(fmt::format("execution.{}", key), "must be a number of seconds >= 0", x);
  }
  if (to.expiration != 0 && to.expiration <= to.starttime)
    return bad("execution.expiration", "must be later than starttime", &execution["expiration"]);
  if (auto x = member(execution, "nslots")) {
    if (!x->is_number_unsigned() || *x < 1 || *x > count_max)
      return bad("execution.nslots", "must be a positive integer", x);
    to.nslots = x->get<uint32_t>();
  }
  return {};
}

caf::error read_properties(const json* value, rset& to) {
  const std::string path = "execution.properties";
  if (!value)
    return {};
  if (!value->is_object())
    return bad(path, "must be a mapping of names to idsets of ranks", value);
  auto ranks = to.ranks();
  for (const auto& [name, x] : value->items()) {
    if (!is_property_name(name))
      return make_error(ec::bad_rset, fmt::format("{}: a name must not be empty or hold any of "
                                                  "! & ' \" ^ ` | ( ), found \"{}\"",
                                                  path, name));
    idset have;
    if (auto e = read_idset(&x, fmt::format("{}.{}", path, name), have))
      return e;
    if (!ranks.contains_all(have))
      return bad(fmt::format("{}.{}", path, name), "must name ranks of R_lite", &x);
    to.properties.emplace(name, std::move(have));
  }
  return {};
}

} // namespace

// -- members ------------------------------------------------------------------------------------

uint64_t rset::core_count() const {
  uint64_t n = 0;
  for (const auto& share : nodes)
    n += share.cores.size();
  return n;
}

uint64_t rset::gpu_count() const {
  uint64_t n = 0;
  for (const auto& share : nodes)
    n += share.gpus.size();
  return n;
}

idset rset::ranks() const {
  idset result;
  for (const auto& share : nodes)
    result.add(share.rank);
  return result;
}

const node_share* rset::find(rank_t rank) const {
  auto i = std::lower_bound(nodes.begin(), nodes.end(), rank,
                            [](const node_share& x, rank_t r) { return x.rank < r; });
  return i != nodes.end() && i->rank == rank ? &*i : nullptr;
}

std::string_view rset::host(size_t index) const {
  return index < nodelist.size() ? std::string_view(nodelist[index]) : std::string_view();
}

// -- operations ---------------------------------------------------------------------------------

bool same_resources(const rset& a, const rset& b) { return a.nodes == b.nodes; }

bool disjoint(const rset& a, const rset& b) {
  bool result = true;
  walk(a, b, [&](const node_share& x, const node_share& y, size_t, bool) {
    result = result && !x.cores.intersects(y.cores) && !x.gpus.intersects(y.gpus);
  });
  return result;
}

bool contains_all(const rset& a, const rset& b) {
  bool result = true;
  walk(a, b, [&](const node_share& x, const node_share& y, size_t, bool) {
    result = result && x.cores.contains_all(y.cores) && x.gpus.contains_all(y.gpus);
  });
  return result;
}

rset unite(const rset& a, const rset& b) {
  auto result = header_of(a);
  bool hosts = (a.nodes.empty() || !a.nodelist.empty()) && (b.nodes.empty() || !b.nodelist.empty());
  walk(a, b, [&](const node_share& x, const node_share& y, size_t index, bool from_a) {
    auto share = from_a ? x : y;
    if (from_a) {
      share.cores.add_all(y.cores);
      share.gpus.add_all(y.gpus);
    }
    result.nodes.push_back(std::move(share));
    if (hosts)
      result.nodelist.push_back((from_a ? a : b).nodelist[index]);
  });
  result.properties = a.properties;
  for (const auto& [name, ranks] : b.properties)
    result.properties[name].add_all(ranks);
  return result;
}

rset subtract(const rset& a, const rset& b) {
  return part_of(a, b, [](const node_share& x, const node_share& y) {
    auto share = x;
    share.cores.remove_all(y.cores);
    share.gpus.remove_all(y.gpus);
    return share;
  });
}

rset intersect(const rset& a, const rset& b) {
  return part_of(a, b, [](const node_share& x, const node_share& y) {
    return node_share{x.rank, x.cores.intersect(y.cores), x.gpus.intersect(y.gpus)};
  });
}

rset restrict_to(const rset& a, const idset& ranks) {
  auto result = part_of(a, a, [&](const node_share& x, const node_share&) {
    return ranks.contains(x.rank) ? x : node_share{};
  });
  if (!a.scheduling.empty() && result.nodes.size() != a.nodes.size())
    result.scheduling = keep_ranks(a.scheduling, result.ranks());
  return result;
}

// -- text ---------------------------------------------------------------------------------------

void append_json(std::string& out, const rset& r) {
  out += "{\"version\":1,\"execution\":{\"R_lite\":[";
  append_r_lite(out, r);
  out += ']';
  if (!r.nodelist.empty()) {
    out += ",\"nodelist\":[";
    bool plain = r.nodelist.size() == 1 && r.nodelist[0].find_first_of("[],") == std::string::npos;
    append_json_string(out, plain ? r.nodelist[0] : format_hostlist(r.nodelist));
    out += ']';
  }
  if (r.nslots != 0) {
    out += ",\"nslots\":";
    append_number(out, r.nslots);
  }
  if (!r.properties.empty()) {
    char comma = '{';
    out += ",\"properties\":";
    for (const auto& [name, ranks] : r.properties) {
      out += std::exchange(comma, ',');
      append_json_string(out, name);
      out += ":\"";
      append_idset(out, ranks);
      out += '"';
    }
    out += '}';
  }
  for (auto [key, x] :
       {std::pair{",\"starttime\":", r.starttime}, std::pair{",\"expiration\":", r.expiration}})
    if (x != 0) {
      out += key;
      append_seconds(out, x);
    }
  out += '}';
  if (!r.scheduling.empty()) {
    out += ",\"scheduling\":";
    out += r.scheduling;
  }
  out += '}';
}

std::string to_json(const rset& r) {
  std::string out;
  out.reserve(192);
  append_json(out, r);
  return out;
}

caf::expected<rset> parse_rset(std::string_view text) {
  auto document = parse_document(text, rset_bytes_max, "R");
  if (!document)
    return document.error();
  if (!document->is_object())
    return bad("R", "must be a mapping with version and execution", &*document);
  auto version = member(*document, "version");
  if (!version || *version != 1)
    return bad("version", "must be 1", version);
  auto execution = member(*document, "execution");
  if (!execution || !execution->is_object())
    return bad("execution", "must be a mapping with R_lite", execution);
  auto entries = member(*execution, "R_lite");
  if (!entries || !entries->is_array())
    return bad("execution.R_lite", "must be a list of mappings with rank and children", entries);
  reading nodes;
  rset result;
  for (size_t i = 0; i < entries->size(); ++i)
    if (auto e = read_entry((*entries)[i], fmt::format("execution.R_lite[{}]", i), nodes))
      return e;
  if (auto e = read_nodelist(member(*execution, "nodelist"), nodes, result))
    return e;
  for (auto& [rank, share] : nodes.nodes)
    result.nodes.push_back(std::move(share));
  if (auto e = read_numbers(*execution, result))
    return e;
  if (auto e = read_properties(member(*execution, "properties"), result))
    return e;
  if (auto x = member(*document, "scheduling"))
    result.scheduling = dump(*x);
  return result;
}

} // namespace hactor
