// The options that say which resource graph is asked and how; 'hactor graph' and resource-query
// share them. resource-query reads them as GNU getopt does, 'hactor graph' by hactor's own rules.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <span>
#include <string>

#include "tools/command.hpp"
#include "tools/query_settings.hpp"

namespace hactor::tools {

/// All of them; the first `load_option_count` are about loading only.
std::span<const option_spec> query_option_specs();
inline constexpr size_t load_option_count = 4;

/// Takes one option over. Errors: ec::bad_argument, starting with the option's name, when the value
/// can be told to be wrong without loading anything.
caf::error set_query_option(query_settings& settings, const option_spec& option,
                            const std::string& value);

/// Takes over all that were given.
caf::expected<query_settings> read_query_options(const parsed_options& options);

} // namespace hactor::tools
