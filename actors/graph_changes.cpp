// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/graph_changes.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "graph/rv1_reader.hpp"
#include "runtime/json.hpp"

namespace hactor {

namespace {

constexpr std::string_view names[] = {"show",       "attach",       "detach",
                                      "set-status", "set-property", "remove-property",
                                      "get-property", "granted"};

bool is_of_property(graph_verb v) {
  return v == graph_verb::set_property || v == graph_verb::remove_property;
}

bool is_below(const std::string& path, const std::string& top) {
  return path == top || path.starts_with(top + "/");
}

} // namespace

std::pair<std::string, std::string> split_property(const std::string& text) {
  auto equals = text.find('=');
  return {text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1)};
}

bool is_change(graph_verb verb) {
  return verb != graph_verb::show && verb != graph_verb::get_property
         && verb != graph_verb::granted;
}

std::string_view name_of(graph_verb verb) { return names[static_cast<size_t>(verb)]; }

std::optional<graph_verb> read_graph_verb(std::string_view name) {
  auto i = std::find(std::begin(names), std::end(names), name);
  auto verb = static_cast<graph_verb>(i - std::begin(names));
  return i == std::end(names) || verb == graph_verb::granted ? std::nullopt : std::optional{verb};
}

/// The last word on a vertex's status or property counts.
void graph_changes::drop_earlier(const graph_request& than) {
  auto key = split_property(than.text).first;
  std::erase_if(all_, [&](const change& c) {
    if (c.what.path != than.path)
      return false;
    if (than.verb == graph_verb::set_status)
      return c.what.verb == graph_verb::set_status;
    return is_of_property(than.verb) && is_of_property(c.what.verb)
           && split_property(c.what.text).first == key;
  });
}

/// What was attached and is detached has not been there. Not so when something was attached after
/// it, which may need it.
bool graph_changes::take_back(const std::string& detached) {
  auto of_it = [&](const change& c) {
    return c.what.verb != graph_verb::attach
               ? is_below(c.what.path, detached)
               : std::all_of(c.tops.begin(), c.tops.end(),
                             [&](const std::string& top) { return is_below(top, detached); });
  };
  auto i = std::find_if(all_.begin(), all_.end(), [&](const change& c) {
    return c.what.verb == graph_verb::attach && c.tops == std::vector{detached};
  });
  if (i == all_.end() || !std::all_of(i, all_.end(), [&](const change& c) {
        return c.what.verb != graph_verb::attach || of_it(c);
      }))
    return false;
  all_.erase(std::remove_if(i, all_.end(), of_it), all_.end());
  return true;
}

void graph_changes::add(const graph_request& made, const std::vector<std::string>& tops) {
  if (!is_change(made.verb))
    return;
  if (made.verb == graph_verb::detach && take_back(made.path))
    return;
  drop_earlier(made);
  all_.push_back({made, made.verb == graph_verb::attach ? tops : std::vector<std::string>{}});
}

std::string graph_changes::to_json() const {
  auto list = json::array();
  for (auto& c : all_) {
    json x{{"verb", name_of(c.what.verb)}, {"path", c.what.path}, {"text", c.what.text}};
    if (!c.tops.empty())
      x["tops"] = c.tops;
    list.push_back(std::move(x));
  }
  return dump(list);
}

graph_changes graph_changes::from_json(const std::string& text) {
  graph_changes result;
  auto list = parse_json(text);
  if (text.empty() || !list || !list->is_array())
    return result;
  for (auto& x : *list) {
    change c;
    auto read = [&x](const char* key, std::string& to) {
      auto i = x.find(key);
      if (i == x.end() || !i->is_string())
        return false;
      to = i->get<std::string>();
      return true;
    };
    std::string verb;
    if (!x.is_object() || !read("verb", verb) || !read("path", c.what.path)
        || !read("text", c.what.text))
      continue;
    auto known = read_graph_verb(verb);
    if (!known || !is_change(*known))
      continue;
    c.what.verb = *known;
    if (auto tops = x.find("tops"); tops != x.end() && tops->is_array())
      for (auto& top : *tops)
        if (top.is_string())
          c.tops.push_back(top.get<std::string>());
    result.all_.push_back(std::move(c));
  }
  return result;
}

std::vector<std::string> graph_changes::make(resource_pool& pool, const idset& ranks) {
  std::vector<std::string> notes;
  std::erase_if(all_, [&](change& c) {
    auto& r = c.what;
    r.ranks = ranks;
    auto made = do_with_graph(pool, pool, r, 0);
    if (made)
      return false;
    auto of = r.verb != graph_verb::attach ? r.path : c.tops.empty() ? "" : c.tops[0];
    notes.push_back(fmt::format("{} {}: cannot be done again, and is forgotten: {}",
                                name_of(r.verb), of, render(made.error())));
    return true;
  });
  return notes;
}

caf::expected<graph_inventory> make_changes(graph_changes& changes, const graph_inventory& before,
                                            const idset& ranks, std::vector<std::string>& notes) {
  caf::expected<resource_graph> graph{ec::bad_argument};
  if (before.graph != nullptr)
    graph = *before.graph;
  else
    graph = graph_of(before.all);
  if (!graph)
    return std::move(graph.error());
  auto any = make_match_policy("first");
  HACTOR_CHECK(any);
  auto pool = resource_pool::make(std::move(*graph), std::move(*any));
  if (!pool)
    return std::move(pool.error());
  notes = changes.make(**pool, ranks);
  graph_inventory after;
  after.all = (*pool)->inventory();
  after.graph = std::make_shared<resource_graph>((*pool)->take_graph());
  return after;
}

} // namespace hactor
