// Host names as names of vertices: "node007" is of basename "node" and has the id 7.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

namespace hactor {

struct host_parts {
  std::string_view basename;
  int64_t number = -1; ///< -1: no digits at the end, or more than fit.
};

/// A name of digits alone is its own basename.
inline host_parts split_host(std::string_view host) {
  auto last = host.find_last_not_of("0123456789");
  if (last + 1 == host.size())
    return {host, -1};
  auto digits = last == std::string_view::npos ? host : host.substr(last + 1);
  host_parts parts{last == std::string_view::npos ? host : host.substr(0, last + 1), -1};
  int64_t number = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc{})
    parts.number = number;
  return parts;
}

/// Whether its digits at the end are no number that fits.
inline bool has_huge_number(std::string_view host) {
  auto last = host.find_last_not_of("0123456789");
  return last != std::string_view::npos && last + 1 < host.size() && split_host(host).number < 0;
}

} // namespace hactor
