// The short way of a request that submits many jobs: their jobspecs stay the slices of text that
// the client sent, for ingest to read, and no tree is built of a hundred thousand of them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "actors/messages.hpp"

namespace hactor {

/// The submissions of `request`, the payload of a frame, when it is plain JSON of the form
/// {"method":"submit","params":{"jobs":[{"jobspec":{...},...},...]}} and nothing of it is wrong.
/// Nothing: go the long way (read_submission of each), which means the same where both go.
std::optional<std::vector<submission>> scan_submit(std::string_view request);

} // namespace hactor
