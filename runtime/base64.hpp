// Bytes as text (RFC 4648), for what JSON strings cannot hold.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hactor {

std::string encode_base64(std::string_view bytes);

/// Nothing when the text is not whole groups of the alphabet, with "=" at the end alone.
std::optional<std::string> decode_base64(std::string_view text);

} // namespace hactor
