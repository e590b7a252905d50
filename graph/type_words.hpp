// How many of a resource type there are, in words for a person. Callers: messages of requests, of
// readers and of the scheduler.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace hactor {

/// "1 core", "2 cores"; of amounts there is no plural: "300 power", "10 storage".
std::string count_of_type(std::string_view count, std::string_view type);

} // namespace hactor
