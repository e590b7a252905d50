// Instances within the one that a command speaks with: which jobs hold one, and the way to it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "tools/client.hpp"

namespace hactor::tools {

/// True for an entry of a listing whose job runs and has started an instance.
bool holds_instance(const json& job);

/// The instance around the one of `uri`, and the job there that holds it; nothing when that is an
/// outermost one.
std::optional<std::pair<std::string, std::string>> uri_around(const std::string& uri);

/// The URI of the instance that a job holds (holds_instance), of an instance that is reached by
/// `uri`: below that, or of its own when it was started with brokers of its own.
std::string uri_of(const std::string& uri, const json& job);

/// The same for a path of ids, "A/B", level by level; what does not run or holds none is taken to
/// be below, where whoever connects is told so. Errors: ec::bad_id.
caf::expected<std::string> find_inside(const std::string& uri, std::string_view path);

/// The URI of the instance in a job of the instance of `uri`; `path` may be several ids, "A/B", in
/// any spelling. Errors: ec::bad_id.
caf::expected<std::string> uri_inside(const std::string& uri, std::string_view path);

} // namespace hactor::tools
