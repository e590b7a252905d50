// See grug_recipe.hpp. Boost.Graph reads GraphML and hands over each value as text; it reports by
// exceptions, and so do we while it reads: all are caught here.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/grug_recipe.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>

#include <boost/graph/graphml.hpp>
#include <fmt/format.h>

#include "graph/xml_guard.hpp"

namespace hactor {

namespace {

/// Kinds of one recipe; Fluxion's largest has 20.
constexpr size_t recipe_kinds_max = 4'096;

using kind_id = boost::graph_traits<grug_recipe>::vertex_descriptor;
using step_id = boost::graph_traits<grug_recipe>::edge_descriptor;

struct refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void read_value(const std::string& name, const std::string& text, std::string& to) { to = text; }

template <class Number>
void read_value(const std::string& name, const std::string& text, Number& to) {
  constexpr auto blanks = " \t\r\n";
  std::string_view word{text};
  word.remove_prefix(std::min(word.find_first_not_of(blanks), word.size()));
  word.remove_suffix(word.size() - (word.find_last_not_of(blanks) + 1));
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), to);
  if (error != std::errc{} || end != word.data() + word.size())
    throw refusal(fmt::format("{} is \"{}\"; it must be a whole number of {} bits", name, text,
                              8 * sizeof to));
}

/// Takes what the library reads. Names that a recipe does not have are passed over.
class recipe_builder : public boost::mutate_graph {
public:
  explicit recipe_builder(grug_recipe& to) : to_(to) {}

  bool is_directed() const override { return true; }
  boost::any do_add_vertex() override {
    if (num_vertices(to_) >= recipe_kinds_max)
      throw refusal(fmt::format("more than {} nodes in the recipe", recipe_kinds_max));
    return add_vertex(to_);
  }
  std::pair<boost::any, bool> do_add_edge(boost::any from, boost::any to) override {
    auto [e, is_new] = add_edge(boost::any_cast<kind_id>(from), boost::any_cast<kind_id>(to), to_);
    return {e, is_new};
  }
  void set_graph_property(const std::string&, const std::string&, const std::string&) override {}

  void set_vertex_property(const std::string& name, boost::any v, const std::string& value,
                           const std::string&) override {
    auto& kind = to_[boost::any_cast<kind_id>(v)];
    auto read = [&](auto& to) { read_value(name, value, to); };
    if (name == "root")
      read(kind.root);
    else if (name == "type")
      read(kind.type);
    else if (name == "basename")
      read(kind.basename);
    else if (name == "size")
      read(kind.size);
    else if (name == "unit")
      read(kind.unit);
    else if (name == "subsystem")
      read(kind.subsystem);
  }

  void set_edge_property(const std::string& name, boost::any e, const std::string& value,
                         const std::string&) override {
    auto& step = to_[boost::any_cast<step_id>(e)];
    auto read = [&](auto& to) { read_value(name, value, to); };
    if (name == "e_subsystem")
      read(step.e_subsystem);
    else if (name == "relation")
      read(step.relation);
    else if (name == "gen_method")
      read(step.gen_method);
    else if (name == "id_scope")
      read(step.id_scope);
    else if (name == "id_start")
      read(step.id_start);
    else if (name == "id_stride")
      read(step.id_stride);
    else if (name == "multi_scale")
      read(step.multi_scale);
    else if (name == "as_tgt_subsystem")
      read(step.as_tgt_subsystem);
    else if (name == "as_tgt_uplvl")
      read(step.as_tgt_uplvl);
    else if (name == "as_src_uplvl")
      read(step.as_src_uplvl);
  }

private:
  grug_recipe& to_;
};

void check_kind(const grug_kind& kind, size_t position) {
  if (kind.type.empty())
    throw refusal(
        fmt::format("node {} has no type: it is missing, or only edges name it", position));
  if (kind.subsystem.empty())
    throw refusal(fmt::format("node {} ({}): subsystem is empty", position, kind.type));
  if (kind.size < 0)
    throw refusal(fmt::format("node {} ({}): size is {}; it must be 0 or more", position, kind.type,
                              kind.size));
}

std::string_view what_is_wrong(const grug_step& step) {
  if (step.gen_method != "MULTIPLY" && step.gen_method != "ASSOCIATE_IN"
      && step.gen_method != "ASSOCIATE_BY_PATH_IN")
    return "gen_method must be MULTIPLY, ASSOCIATE_IN or ASSOCIATE_BY_PATH_IN";
  if (step.e_subsystem.empty())
    return "e_subsystem is empty";
  if (step.multi_scale < 0)
    return "multi_scale must be 0 or more";
  if (step.as_tgt_uplvl < 0 || step.as_src_uplvl < 0)
    return "as_tgt_uplvl and as_src_uplvl must be 0 or more";
  return {};
}

void check_recipe(const grug_recipe& recipe) {
  for (auto [v, end] = vertices(recipe); v != end; ++v)
    check_kind(recipe[*v], *v);
  for (auto [v, end] = vertices(recipe); v != end; ++v)
    for (auto [e, last] = out_edges(*v, recipe); e != last; ++e)
      if (auto why = what_is_wrong(recipe[*e]); !why.empty())
        throw refusal(fmt::format("edge from {} to {}: {}", recipe[*v].type,
                                  recipe[target(*e, recipe)].type, why));
}

} // namespace

caf::expected<std::shared_ptr<const grug_recipe>> read_grug_recipe(std::string_view text) {
  if (auto e = check_xml(text, "grug", "node"))
    return e;
  auto recipe = std::make_shared<grug_recipe>();
  try {
    std::istringstream in{std::string(text)};
    recipe_builder builder{*recipe};
    boost::read_graphml(in, builder, 0);
    check_recipe(*recipe);
  } catch (const std::exception& e) {
    return make_error(ec::bad_argument, fmt::format("grug: {}", e.what()));
  }
  return std::shared_ptr<const grug_recipe>{std::move(recipe)};
}

} // namespace hactor
