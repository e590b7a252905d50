// A selection as text: trees for people (simple, pretty_simple), R for whoever runs the job (rlite,
// rv1_nosched), the selected graph itself (jgf), both (rv1), and the last two without what lies
// below a vertex that is held whole (the shorthands). The texts are those of Fluxion 0.54, byte by
// byte. Also from a selection to the rset that an instance works with.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/rset.hpp"
#include "graph/selection.hpp"

namespace hactor {

enum class match_format : uint8_t {
  simple,
  pretty_simple,
  rlite,
  rv1,
  rv1_nosched,
  rv1_shorthand,
  jgf,
  jgf_shorthand,
  idset, ///< The numbers (uniq_id) of those that jgf_shorthand has, as a list of texts.
};

/// By name; "pretty" is pretty_simple. Errors: ec::bad_argument, naming the text and the names.
caf::expected<match_format> parse_match_format(std::string_view name);

/// The names, in the order of the type.
std::vector<std::string_view> match_format_names();

/// The format that says all: what `find` finds is held whole, which a shorthand would take for a
/// reason to leave out what is below it.
inline match_format without_shorthand(match_format f) {
  return f == match_format::jgf_shorthand   ? match_format::jgf
         : f == match_format::rv1_shorthand ? match_format::rv1
                                            : f;
}

/// What is known of the amounts below a vertex, by type in alphabetical order: "used:2, total:36".
using aggregate_notes =
    std::unordered_map<vertex, std::vector<std::pair<std::string, std::string>>>;

/// What a text may say besides.
struct match_remarks {
  const aggregate_notes* aggregates = nullptr; ///< jgf only.
  std::string queue;                           ///< rv1 only: the job's queue; "": none.
};

/// The text with its last newline. "" when there is nothing to say: no pick, or an R without a
/// node that has cores or GPUs. O(picks).
std::string write_match(const resource_graph& graph, const selection& what, match_format format,
                        const match_remarks& remarks = {});

/// The nodes of a selection with their cores and GPUs; what is held whole brings all that is below
/// it, listed or not. Hosts are the names of the nodes, properties theirs ("key", or "key=value");
/// nslots counts the picks that begin a slot. A graph without vertices of type node has one share
/// for each rank of its cores. Errors: ec::bad_rset (a core without a rank, an id below zero).
/// O(picks + what is below those that are held whole).
caf::expected<rset> to_rset(const resource_graph& graph, const selection& what);

} // namespace hactor
