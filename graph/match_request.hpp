// A jobspec's resources as the matcher walks them: a tree of requests with the types as numbers of
// one graph, the least amounts below each worked out. Compiled once for all jobs of one jobspec.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/constraint.hpp"
#include "graph/count.hpp"
#include "graph/jobspec.hpp"
#include "graph/resource_graph.hpp"

namespace hactor {

struct request_node {
  type_id type = no_type; ///< no_type: a slot, or a type that the graph does not have.
  bool slot = false;
  bool option = false;     ///< A slot that may stand for others beside it: a slot_choice.
  uint8_t slot_number = 0; ///< Of a slot: its place in slot_labels and 1.
  bool elsewhere = false;  ///< Not contained: an amount on the way up in another subsystem.
  subsystem_id subsystem = containment;
  std::string name; ///< The type as written.
  std::string label;
  count_spec count = uint64_t{1};
  uint64_t least = 1;
  uint64_t most = 1; ///< The largest acceptable number; UINT32_MAX: no bound.
  std::optional<bool> exclusive;
  uint16_t level = 0; ///< In match_request::levels: what it must contain.
  bool plain = true;  ///< Nothing that it contains is a slot, elsewhere or labelled.
  type_amounts below; ///< The least that one of it contains, by type, it not included.
};

/// Siblings: positions in match_request::nodes.
struct request_level {
  uint16_t first = 0;
  uint16_t count = 0;
};

/// Slots side by side that may stand for each other: as many as possible are made of whatever is
/// there, of each kind as many as suits.
struct slot_choice {
  /// One of the slots.
  struct kind {
    uint16_t sibling = 0;        ///< In the level of the slots.
    std::vector<uint16_t> parts; ///< By sibling of its own level: its place in `parts` below.
  };

  uint16_t level = 0;  ///< Of the slots.
  uint16_t holder = 0; ///< The sibling that is chosen for all: the last option.
  uint16_t parts = 0;  ///< A level with each type of which one of them is made, once.
  std::vector<kind> kinds;
};

struct match_request {
  std::vector<request_node> nodes;
  std::vector<request_level>
      levels;               ///< levels[0]: what stands at the top. A leaf has an empty one.
  type_amounts total;       ///< The least amounts of the whole request.
  uint64_t least_nodes = 0; ///< Vertices of type node that it needs.
  std::vector<bool> exclusive_types; ///< By type: asked for as exclusive; so with all below.
  constraint where;
  int64_t duration = 0;             ///< Seconds, rounded up; 0: as long as the graph lasts.
  bool charge = false;              ///< Amounts that are shared are charged.
  bool charges = false;             ///< Some node is `elsewhere`.
  bool ambiguous = false;           ///< Some level has two siblings of one type, or two slots.
  std::vector<slot_choice> choices; ///< Of a flexible request: by level that has slots.
  /// Tried in this order until one is found, if there are any; then this request is what all of
  /// them need.
  std::vector<std::shared_ptr<const match_request>> variants;

  const request_node& node(uint16_t level, size_t sibling) const {
    return nodes[levels[level].first + sibling];
  }

  /// Whether this level has two siblings of one type, or two slots that do not stand for each
  /// other.
  bool is_ambiguous(uint16_t level) const;

  /// Null: its slots are no choice.
  const slot_choice* choice_at(uint16_t level) const;

  /// The sibling under which what is found for one is listed.
  size_t holder_of(uint16_t level, size_t sibling) const {
    auto choice = node(level, sibling).option ? choice_at(level) : nullptr;
    return choice != nullptr ? choice->holder : sibling;
  }
};

/// Compiles. `charge`: amounts of types that only other subsystems have are charged there; else
/// they are looked for in containment, and not found. Errors: ec::bad_jobspec (too many vertices
/// or slots, a constraint that is none), ec::bad_argument (a duration that is negative, no number
/// or longer than 100 years), starting with the key's path.
caf::expected<match_request> compile_match(const jobspec& spec, const resource_graph& graph,
                                           bool charge);

/// Which slots side by side stand for each other, besides "xor_slot"s.
enum class slot_options : uint8_t {
  or_slots,  ///< "or_slot"s. All "slot"s are needed: their tasks are programs of one job.
  all_slots, ///< "slot"s, too, as Fluxion's flexible traverser has it.
};

/// Compiles a request with slots that are a choice, of which several kinds may be mixed; of
/// "xor_slot"s side by side exactly one kind is taken, the first that is found. Errors: as above.
caf::expected<match_request> compile_flexible(const jobspec& spec, const resource_graph& graph,
                                              bool charge,
                                              slot_options options = slot_options::all_slots);

/// Whether a request has "or_slot"s or "xor_slot"s: the key's path and the type of the first.
std::optional<std::pair<std::string, std::string>>
first_option(const std::vector<resource_vertex>& resources);

} // namespace hactor
