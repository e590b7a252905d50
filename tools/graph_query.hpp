// A session with a resource graph at a terminal or from a script: what 'hactor graph query' and
// resource-query both are.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "runtime/error.hpp"
#include "tools/query_settings.hpp"

namespace hactor::tools {

/// Loads the graph, then obeys standard input line by line until `quit` or its end. Errors are
/// those of loading: nothing was obeyed.
caf::error run_query(const query_settings& settings);

} // namespace hactor::tools
