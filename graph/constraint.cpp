// See constraint.hpp. Recursion is bounded by the depth of the document.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/constraint.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "graph/document.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

caf::error bad(const std::string& path, std::string_view wanted, const json& found) {
  return make_error(ec::bad_jobspec, fmt::format("{}: {}, found {}", path, wanted, brief(found)));
}

} // namespace

bool is_property_name(std::string_view name) {
  return !name.empty() && name.find_first_of("!&'\"^`|()") == std::string_view::npos;
}

caf::error constraint::read_hosts(const std::string& text, const std::string& where, budget& left,
                                  term& to) {
  auto hosts = parse_hostlist(text);
  if (!hosts)
    return make_error(ec::bad_jobspec,
                      fmt::format("{}: must be a hostlist, e.g. \"n[0-3]\": {}", where,
                                  render(hosts.error())));
  // Each list is bounded already; a thousand of them would still fill the broker's memory.
  if (hosts->size() > left.hosts)
    return make_error(ec::bad_jobspec, fmt::format("{}: more than {} hosts in one constraint",
                                                   where, limits::hostlist_hosts_max));
  left.hosts -= hosts->size();
  to.hosts.insert(hosts->begin(), hosts->end());
  return {};
}

caf::error constraint::read_values(const json& values, const std::string& path, budget& left,
                                   term& to) {
  for (size_t i = 0; i < values.size(); ++i) {
    const auto& x = values[i];
    auto where = fmt::format("{}[{}]", path, i);
    if (left.terms-- == 0)
      return make_error(ec::bad_jobspec, fmt::format("{}: more than {} terms in one constraint",
                                                     where, constraint_terms_max));
    if (to.what == op::all || to.what == op::any || to.what == op::none) {
      if (auto e = read(x, where, left, to.terms.emplace_back()))
        return e;
      continue;
    }
    if (!x.is_string())
      return bad(where, "must be a string", x);
    auto text = x.get<std::string>();
    if (to.what == op::properties) {
      bool wanted = text.empty() || text[0] != '^';
      auto name = wanted ? text : text.substr(1);
      if (!is_property_name(name))
        return bad(where, "must be a property name, with ^ before it when it must be absent", x);
      to.properties.push_back({std::move(name), wanted});
    } else if (to.what == op::hosts) {
      if (auto e = read_hosts(text, where, left, to))
        return e;
    } else {
      auto ranks = idset::parse(text);
      if (!ranks)
        return make_error(ec::bad_jobspec, fmt::format("{}: must be an idset, e.g. \"0-3,7\": {}",
                                                       where, render(ranks.error())));
      to.ranks.add_all(*ranks);
    }
  }
  return {};
}

caf::error constraint::read(const json& value, const std::string& path, budget& left, term& to) {
  constexpr auto wanted = "must be a mapping with one of properties, hostlist, ranks, and, or, not";
  if (!value.is_object() || value.size() > 1)
    return bad(path, wanted, value);
  if (value.empty())
    return {};
  auto key = value.begin().key();
  const auto& values = *value.begin();
  constexpr std::pair<std::string_view, op> ops[] = {
      {"and", op::all},        {"or", op::any},
      {"not", op::none},       {"properties", op::properties},
      {"hostlist", op::hosts}, {"ranks", op::ranks}};
  auto known =
      std::find_if(std::begin(ops), std::end(ops), [&](const auto& x) { return x.first == key; });
  if (known == std::end(ops))
    return bad(path, wanted, value);
  to.what = known->second;
  auto where = fmt::format("{}.{}", path, key);
  if (!values.is_array())
    return bad(where, "must be a list", values);
  return read_values(values, where, left, to);
}

caf::expected<constraint> constraint::compile(const json& value, const std::string& path) {
  constraint result;
  budget left{constraint_terms_max, limits::hostlist_hosts_max};
  if (auto e = read(value, path, left, result.root_))
    return e;
  const auto& root = result.root_;
  bool trivial = (root.what == op::all || root.what == op::any) && root.terms.empty();
  if (!trivial)
    result.text_ = dump(value);
  return result;
}

bool constraint::eval(const term& t, rank_t rank, const std::string& host,
                      const property_test& has) {
  auto holds = [&](const term& x) { return eval(x, rank, host, has); };
  switch (t.what) {
  case op::all:
    return std::all_of(t.terms.begin(), t.terms.end(), holds);
  case op::any: // RFC 31: an empty "or" matches all
    return t.terms.empty() || std::any_of(t.terms.begin(), t.terms.end(), holds);
  case op::none:
    return !std::all_of(t.terms.begin(), t.terms.end(), holds);
  case op::hosts:
    return t.hosts.count(host) != 0;
  case op::ranks:
    return t.ranks.contains(rank);
  case op::properties:
    return std::all_of(t.properties.begin(), t.properties.end(),
                       [&](const property& p) { return has(p.name) == p.wanted; });
  }
  return false;
}

bool constraint::matches(rank_t rank, std::string_view host, const property_map& properties) const {
  return matches_if(rank, host, [&](const std::string& name) {
    auto i = properties.find(name);
    return i != properties.end() && i->second.contains(rank);
  });
}

bool constraint::matches_if(rank_t rank, std::string_view host, const property_test& has) const {
  return trivial() || eval(root_, rank, std::string(host), has);
}

} // namespace hactor
