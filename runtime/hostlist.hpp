// Lists of host names in short form (RFC 29): ordered, repeats allowed; "foo[05-7,1]-ib,bar" is
// foo05-ib, foo06-ib, foo07-ib, foo01-ib, bar.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

/// Expands a hostlist; "" is the empty list. Errors: ec::bad_hostlist (stray brackets, commas,
/// blanks; runs that go down), ec::too_big (limits hostlist_hosts_max, host_bytes_max).
caf::expected<std::vector<std::string>> parse_hostlist(std::string_view text);

/// Writes the list with neighbours folded that differ in one number only; zero padding, order and
/// repeats are kept, so parse_hostlist gives the list back. Requires: names without brackets,
/// commas and blanks. O(total length).
std::string format_hostlist(const std::vector<std::string>& hosts);

} // namespace hactor
