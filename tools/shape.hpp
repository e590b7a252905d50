// Resource shapes (RFC 46) as the resources of a jobspec: "slot=4/node",
// "slot=4{nodelevel}/node{-x}/socket=2+/core=4+". Caller: jobspec_build.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "runtime/error.hpp"
#include "runtime/json.hpp"

namespace hactor::tools {

struct shape {
  json resources;    ///< The list of a jobspec.
  std::string label; ///< Of its one slot.
};

/// Levels are separated by "/", siblings stand in [a;b], a vertex is type[=count]{key:value,...}.
/// Counts are numbers, ranges (2-8:2:*, 4+) and idsets; x is exclusive; the first word of a slot's
/// braces is its label, "task" when it has none. Errors: ec::bad_argument, with the place: what is
/// no shape, and one that has not exactly one slot.
caf::expected<shape> parse_shape(std::string_view text);

} // namespace hactor::tools
