// The recipe of a resource graph as GraphML says it (see grug_reader.hpp for its meaning).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/graph/adjacency_list.hpp>

#include "runtime/error.hpp"

namespace hactor {

/// A kind of vertices. Values are those of a recipe that does not say otherwise.
struct grug_kind {
  int root = 0;
  std::string type;
  std::string basename;
  int64_t size = 1;
  std::string unit;
  std::string subsystem = "containment";
};

struct grug_step {
  std::string e_subsystem = "containment";
  std::string relation = "contains";
  std::string gen_method = "MULTIPLY";
  int id_scope = 0;
  int id_start = 0;
  int id_stride = 1;
  int64_t multi_scale = 1;
  std::string as_tgt_subsystem = "containment";
  int as_tgt_uplvl = 1;
  int as_src_uplvl = 1;
};

/// Kinds and steps in the order of the text.
using grug_recipe =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, grug_kind, grug_step>;

/// Errors: ec::bad_argument, ec::too_big, starting with "grug".
caf::expected<std::shared_ptr<const grug_recipe>> read_grug_recipe(std::string_view text);

} // namespace hactor
