// What XML must keep to before a library reads it: libraries recurse into elements, and expand
// entities. Called by the readers of GRUG and hwloc.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string_view>

#include "runtime/error.hpp"

namespace hactor {

/// Errors, starting with `what` and the line: ec::too_big (limits xml_bytes_max, xml_depth_max),
/// ec::bad_argument (bytes that are 0, entities of its own, elements that are left open or were
/// never opened, two elements called `unique` of one id). O(text).
caf::error check_xml(std::string_view text, std::string_view what, std::string_view unique = {});

} // namespace hactor
