// See grug_reader.hpp. The recipe is searched depth first by Boost.Graph; what a tree edge of that
// search says is done at once, for all vertices of the source's kind.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/grug_reader.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

#include <boost/graph/depth_first_search.hpp>
#include <fmt/format.h>

#include "graph/grug_recipe.hpp"

namespace hactor {

namespace {

using kind_id = boost::graph_traits<grug_recipe>::vertex_descriptor;
using step_id = boost::graph_traits<grug_recipe>::edge_descriptor;

/// A few lines can associate all with all.
constexpr size_t links_max = size_t{1} << 24;

class generator {
public:
  generator(const grug_recipe& recipe, const grug_options& options)
      : recipe_(recipe), options_(options), made_(num_vertices(recipe)) {}

  /// Room for what the steps along trees will make, so that nothing is moved later.
  void reserve(size_t vertices) { graph_.reserve(std::min(vertices, options_.vertices_max)); }

  void follow(step_id e) {
    if (error_)
      return;
    auto& step = recipe_[e];
    auto from = source(e, recipe_);
    auto to = target(e, recipe_);
    if (recipe_[from].root != 0 && made_[from].empty())
      error_ = make_root(from);
    made_[to].clear();
    if (!error_)
      error_ = step.gen_method == "MULTIPLY" ? multiply(e) : associate(e);
    if (error_)
      error_ = make_error(code_of(error_),
                          fmt::format("grug: edge from {} to {}: {}", recipe_[from].type,
                                      recipe_[to].type, context_of(error_)));
  }

  void found_cycle(step_id e) {
    if (!error_)
      error_ =
          make_error(ec::bad_argument, fmt::format("grug: edge from {} to {}: it closes a cycle",
                                                   recipe_[source(e, recipe_)].type,
                                                   recipe_[target(e, recipe_)].type));
  }

  /// Ids count within the multiples of the steps that lead here. Every kind takes one away when it
  /// is done, also one that was only associated: Fluxion's ids come from that.
  void finish() {
    if (!scales_.empty())
      scales_.pop_front();
  }

  caf::expected<resource_graph> result() {
    if (error_)
      return error_;
    if (graph_.size() == 0)
      return make_error(ec::bad_argument, "grug: the recipe makes no vertex; one node must have "
                                          "root 1, and stand before those it leads to");
    return std::move(graph_);
  }

private:
  caf::error make_root(kind_id kind) {
    auto [at, is_new] = roots_.try_emplace(recipe_[kind].subsystem, no_vertex);
    if (is_new) {
      auto v = make_vertex(kind, 0, -1);
      if (!v)
        return v.error();
      at->second = *v;
    }
    made_[kind].push_back(at->second);
    return {};
  }

  caf::expected<vertex> make_vertex(kind_id kind, int64_t id, int32_t rank) {
    auto& k = recipe_[kind];
    vertex_facts f;
    f.type = k.type;
    f.basename = k.basename;
    f.unit = k.unit;
    f.id = id;
    f.size = k.size;
    f.rank = options_.number_nodes && k.type == "node" ? nodes_++ : rank;
    auto v = graph_.add_vertex(f);
    if (v) {
      auto type = graph_.type(*v);
      if (by_type_.size() <= type)
        by_type_.resize(type + 1);
      by_type_[type].push_back(*v);
    }
    return v;
  }

  caf::error multiply(step_id e) {
    auto& step = recipe_[e];
    auto scale = step.multi_scale;
    auto wrap = wrap_of(step);
    scales_.push_front(scale);
    auto& sources = made_[source(e, recipe_)];
    auto& targets = made_[target(e, recipe_)];
    if (auto error = check_room(sources.size(), scale))
      return error;
    auto s = graph_.add_subsystem(step.e_subsystem);
    if (!s)
      return s.error();
    targets.reserve(sources.size() * static_cast<size_t>(scale));
    for (size_t j = 0; j < sources.size(); ++j)
      for (int64_t i = 0; i < scale; ++i) {
        auto id = id_of(step, wrap, static_cast<int64_t>(j), i);
        if (id < -1)
          return make_error(ec::bad_argument, fmt::format("id_start and id_stride lead to id {}; "
                                                          "ids are 0 or more",
                                                          id));
        auto v = make_vertex(target(e, recipe_), id, graph_.rank(sources[j]));
        if (!v)
          return v.error();
        if (auto error = graph_.add_edge(sources[j], *v, *s, step.relation))
          return error;
        targets.push_back(*v);
      }
    return {};
  }

  caf::error check_room(size_t sources, int64_t scale) const {
    auto room = options_.vertices_max - std::min(options_.vertices_max, graph_.size());
    if (sources > 0 && static_cast<uint64_t>(scale) > room / sources)
      return make_error(ec::too_big, fmt::format("multi_scale {} for each of {} vertices: a graph "
                                                 "has at most {} vertices",
                                                 scale, sources, options_.vertices_max));
    return {};
  }

  /// How many sources there are below the ancestor within which ids differ; 0: all.
  int64_t wrap_of(const grug_step& step) const {
    int64_t wrap = 1;
    for (size_t level = 0; level < scales_.size() && static_cast<int64_t>(level) < step.id_scope;
         ++level) {
      if (scales_[level] > static_cast<int64_t>(limits::graph_vertices_max) / wrap)
        return 0;
      wrap *= scales_[level];
      if (wrap == 0)
        return 0;
    }
    return wrap;
  }

  static int64_t id_of(const grug_step& step, int64_t wrap, int64_t j, int64_t i) {
    if (step.id_scope < 0)
      return -1;
    if (step.id_scope == 0)
      return int64_t{step.id_start} + i;
    auto before = wrap == 0 ? j : j % wrap;
    // At most 2^26 vertices before this one, so 2^57 in all.
    return step.id_start + (before * step.multi_scale + i) * step.id_stride;
  }

  caf::error associate(step_id e) {
    auto& step = recipe_[e];
    auto s = graph_.add_subsystem(step.e_subsystem);
    if (!s)
      return s.error();
    auto type = graph_.find_type(recipe_[target(e, recipe_)].type);
    if (type == no_type)
      return {};
    auto all = by_type_[type];
    bool by_path = step.gen_method == "ASSOCIATE_BY_PATH_IN";
    std::unordered_map<vertex, std::vector<vertex>> below; // targets by their ancestor
    auto in = graph_.find_subsystem(step.as_tgt_subsystem);
    if (by_path)
      for (auto t : all)
        below[ancestor(t, in, step.as_tgt_uplvl)].push_back(t);
    for (auto from : made_[source(e, recipe_)]) {
      auto& targets = by_path ? below[ancestor(from, in, step.as_src_uplvl)] : all;
      if (auto error = link(from, targets, *s, step.relation))
        return error;
      auto& made = made_[target(e, recipe_)];
      made.insert(made.end(), targets.begin(), targets.end());
    }
    return {};
  }

  caf::error link(vertex from, const std::vector<vertex>& targets, subsystem_id s,
                  std::string_view relation) {
    links_ += targets.size();
    if (auto most = std::min(links_max, options_.vertices_max); links_ > most)
      return make_error(ec::too_big, fmt::format("more than {} edges are associated", most));
    for (auto to : targets) {
      auto parents = graph_.above(to, s);
      auto linked = graph_.linked(from);
      if (std::find(parents.begin(), parents.end(), from) != parents.end()
          || std::find(linked.begin(), linked.end(), to) != linked.end())
        continue;
      auto is_second = s == containment && !parents.empty();
      if (auto error =
              is_second ? graph_.add_link(from, to) : graph_.add_edge(from, to, s, relation))
        return error;
    }
    return {};
  }

  /// no_vertex when there are not so many above.
  vertex ancestor(vertex v, std::optional<subsystem_id> in, int levels) const {
    if (!in || (graph_.above(v, *in).empty() && graph_.below(v, *in).empty()))
      return no_vertex;
    for (; levels > 0; --levels) {
      auto up = graph_.above(v, *in);
      if (up.empty())
        return no_vertex;
      v = up[0];
    }
    return v;
  }

  const grug_recipe& recipe_;
  const grug_options& options_;
  resource_graph graph_;
  std::vector<std::vector<vertex>> made_;    // by kind
  std::vector<std::vector<vertex>> by_type_; // of the graph
  std::map<std::string, vertex> roots_;      // by subsystem
  std::deque<int64_t> scales_;               // of the steps that lead here, the last one first
  int32_t nodes_ = 0;
  size_t links_ = 0;
  caf::error error_;
};

struct follower : boost::default_dfs_visitor {
  explicit follower(generator& g) : to(&g) {}
  void tree_edge(step_id e, const grug_recipe&) const { to->follow(e); }
  void back_edge(step_id e, const grug_recipe&) const { to->found_cycle(e); }
  void finish_vertex(kind_id, const grug_recipe&) const { to->finish(); }
  generator* to;
};

/// Vertices of a recipe whose steps form trees, without making them.
class counter : public boost::default_dfs_visitor {
public:
  counter(std::vector<double>& counts, double& total) : counts_(&counts), total_(&total) {}
  void tree_edge(step_id e, const grug_recipe& recipe) const {
    auto& from = (*counts_)[source(e, recipe)];
    if (recipe[source(e, recipe)].root != 0 && from == 0)
      *total_ += from = 1;
    auto made =
        recipe[e].gen_method == "MULTIPLY" ? from * static_cast<double>(recipe[e].multi_scale) : 0;
    (*counts_)[target(e, recipe)] = made;
    *total_ += made;
  }

private:
  std::vector<double>* counts_;
  double* total_;
};

} // namespace

caf::expected<resource_graph> read_grug(std::string_view text, const grug_options& options) {
  auto recipe = read_grug_recipe(text);
  if (!recipe)
    return std::move(recipe.error());
  auto& r = **recipe;
  std::vector<double> counts(num_vertices(r), 0);
  double total = 0;
  boost::depth_first_search(r, boost::visitor(counter{counts, total}));
  generator g{r, options};
  if (total <= static_cast<double>(options.vertices_max))
    g.reserve(static_cast<size_t>(total));
  boost::depth_first_search(r, boost::visitor(follower{g}));
  return g.result();
}

} // namespace hactor
