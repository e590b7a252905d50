// Instances within the one that a command speaks with: which jobs hold one, and the way to it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "tools/client.hpp"

namespace hactor::tools {

/// True for an entry of a listing whose job runs and has started an instance.
bool holds_instance(const json& job);

/// The URI of the instance in a job of the instance of `uri`; `path` may be several ids, "A/B", in
/// any spelling. Errors: ec::bad_id.
caf::expected<std::string> uri_inside(const std::string& uri, std::string_view path);

} // namespace hactor::tools
