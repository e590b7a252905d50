// To which of a job's cores and GPUs each of its tasks is bound: what the options cpu-affinity and
// gpu-affinity of a jobspec's shell say, and how ids are dealt to tasks. Ids are a node's own; the
// numbers of a map of CPUs are the operating system's.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/idset.hpp"

namespace hactor {

enum class affinity_kind : uint8_t {
  off,
  on,       ///< Every task of a node has all that the job has there.
  per_task, ///< They split it.
  map,      ///< Each has what the map says.
};

struct affinity {
  affinity_kind kind = affinity_kind::on;
  bool asked = false;     ///< By a person: what cannot be done is refused, not left out.
  bool verbose = false;   ///< The map is printed.
  bool dry_run = false;   ///< The map is printed, and nothing is bound.
  std::vector<idset> map{}; ///< Of task 0 of a node, of task 1, ...; begins again after the last.
};

/// Reads "off", "on", "per-task" or "map:SET;SET;..", before it "verbose," or "dry-run,"; a SET is
/// like 0-3,8 or 0xff. Errors: ec::bad_argument, saying what it may be.
caf::expected<affinity> parse_affinity(std::string_view text);

/// The part of task `index` of `count`: runs as even as can be, in order; with fewer ids than tasks
/// neighbours share one. Empty only when `all` is.
idset task_part(const idset& all, uint32_t index, uint32_t count);

/// What the task gets of `all`. `what` is named in errors: "CPUs" or "GPUs". Requires: kind is on
/// or map; what is split is dealt as a whole (nearness.hpp). Errors: ec::bad_argument for a map
/// that names what is not in `all`.
caf::expected<idset> task_share(const affinity& how, const idset& all, uint32_t index,
                                std::string_view what);

} // namespace hactor
