// Small expressions over one word, as --define of bulksubmit takes them: "2**int(x)",
// "x.replace('.in', '.out')", "x[:3]", "'big' if int(x) > 9 else 'small'". Written as in Python,
// of which this is a small part. Caller: bulk_template.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor::tools {

/// The value of `code` for the word `x`, as text. There are whole numbers and numbers with a point,
/// texts in quotes, + - * / // % **, < <= > >= == !=, and or not, A if C else B, x[i], x[i:j];
/// int float str len abs min max round basename dirname; and of texts .upper() .lower() .strip()
/// .replace(a, b) .split(separator)[i] .startswith(a) .endswith(a). Errors: ec::bad_argument,
/// naming the place, or what cannot be computed (a word that is no number, a division by 0).
caf::expected<std::string> evaluate(std::string_view code, const std::string& x);

} // namespace hactor::tools
