// The query text of --requires (RFC 35) as a constraint object (RFC 31).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string_view>

#include "runtime/json.hpp"

namespace hactor::tools {

/// Reads terms "op:operand" with op properties (the default; a comma joins several), hostlist
/// (also host, hosts) or ranks (also rank); a blank, '&' or "and" joins, '|' or "or" separates,
/// binding less; "not" or a leading '-' negates; parentheses group. Whether hosts and ranks exist
/// is the instance's to say. Errors: ec::bad_argument naming the place.
caf::expected<json> parse_constraint(std::string_view text);

} // namespace hactor::tools
