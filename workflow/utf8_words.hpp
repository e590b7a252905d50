// What is sent stands in JSON, which has no bytes beyond UTF-8: they are told of before they would
// be replaced.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/json.hpp"
#include "workflow/environment.hpp"

namespace hactor::workflow {

/// Checks one text. Errors: ec::bad_argument, with the text, its bytes that are not UTF-8 as \xNN.
caf::error check_utf8(std::string_view text);

/// Checks all texts and names within a value. Errors: as check_utf8.
caf::error check_all_utf8(const json& value);

/// Leaves variables out whose names or values are not UTF-8, and returns for each a sentence that a
/// person is to be told: one odd variable, which few jobs read, is no reason to refuse them all.
std::vector<std::string> leave_out_odd(environment_map& variables);

} // namespace hactor::workflow
