// Signals by name and number, in both directions.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor {

/// Reads "TERM", "SIGTERM", "15", in any case; also RTMIN, RTMIN+N, RTMAX, RTMAX-N. 0 is not a
/// signal. Errors: ec::bad_argument, with near names.
caf::expected<int> parse_signal(std::string_view text);

/// Returns "SIGTERM"; "signal 99" for a number without a name.
std::string signal_name(int number);

/// Returns the signal in words for messages: "Terminated"; "signal 99" for an unknown number.
std::string signal_text(int number);

} // namespace hactor
