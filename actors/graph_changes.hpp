// What people changed in the resource graph of an instance, kept so that a restart makes the same
// changes again. What was taken back is not kept: hardware may come and go for months.
// Callers: scheduler.cpp (does and keeps), mpi-boot (does again).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/messages.hpp"
#include "actors/scheduler_settings.hpp"
#include "graph/graph_writer.hpp"
#include "graph/resource_pool.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// The name in the journal's meta under which they are kept.
inline constexpr auto graph_changes_key = "graph";

class graph_changes {
public:
  /// Keeps one that was made. `tops`: the paths of what was attached. Looks at the graph need not
  /// be kept.
  void add(const graph_request& made, const std::vector<std::string>& tops);

  bool empty() const { return all_.empty(); }
  std::string to_json() const;
  static graph_changes from_json(const std::string& text); ///< What cannot be read is left out.

  /// Makes them in a pool, in their order. Those that can not be made any more are dropped and told
  /// of, a sentence each.
  std::vector<std::string> make(resource_pool& pool, const idset& ranks);

private:
  struct change {
    graph_request what;
    std::vector<std::string> tops;
  };

  void drop_earlier(const graph_request& than);
  bool take_back(const std::string& detached);

  std::vector<change> all_;
};

/// False for questions.
bool is_change(graph_verb verb);

/// "attach", "set-status", ... Those that people may ask for are read.
std::string_view name_of(graph_verb verb);
std::optional<graph_verb> read_graph_verb(std::string_view name);

/// Makes one change, or answers a question, with lines for a person: attach tells the paths of what
/// is new. `To` is a resource_pool or a scheduler_core; `pool` is looked at. Errors: those of
/// resource_pool.
template <class To>
caf::expected<std::vector<std::string>> do_with_graph(To& to, const resource_pool& pool,
                                                      const graph_request& r, int64_t now_s);

/// "KEY=VALUE"; a key alone has no value.
std::pair<std::string, std::string> split_property(const std::string& text);

/// A graph, and what R says of it, as the changes leave them. `graph` null: it is made of R.
/// `notes` gets what could not be made any more. Errors: as resource_pool::make.
caf::expected<graph_inventory> make_changes(graph_changes& changes, const graph_inventory& before,
                                            const idset& ranks, std::vector<std::string>& notes);

template <class To>
caf::expected<std::vector<std::string>> do_with_graph(To& to, const resource_pool& pool,
                                                      const graph_request& r, int64_t now_s) {
  auto [key, value] = split_property(r.text);
  caf::error e;
  switch (r.verb) {
  case graph_verb::show:
    return r.text.empty() ? pool.show(r.path, now_s) : pool.find(r.text, now_s);
  case graph_verb::granted: {
    auto job = parse_job_id(r.path);
    auto graph = job ? pool.granted(*job) : std::move(job.error());
    if (!graph)
      return std::move(graph.error());
    return std::vector<std::string>{to_jgf(*graph)};
  }
  case graph_verb::attach:
    return to.attach(r.text, r.ranks);
  case graph_verb::detach:
    e = to.detach(r.path);
    break;
  case graph_verb::set_status:
    e = to.set_status(r.path, r.text == "up" ? vertex_status::up : vertex_status::down);
    break;
  case graph_verb::set_property:
    e = to.set_property(r.path, key, value);
    break;
  case graph_verb::remove_property:
    e = to.remove_property(r.path, key);
    break;
  case graph_verb::get_property: {
    auto all = pool.properties(r.path);
    if (!all)
      return std::move(all.error());
    std::vector<std::string> lines;
    for (auto& [name, of] : *all)
      if (r.text.empty())
        lines.push_back(of.empty() ? name : name + "=" + of);
      else if (name == r.text)
        lines.push_back(of);
    if (lines.empty() && !r.text.empty())
      return make_error(ec::unknown_key, r.path + " has no property " + r.text);
    return lines;
  }
  }
  if (e)
    return e;
  return std::vector<std::string>{};
}

} // namespace hactor
