// See pruning.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/pruning.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace hactor {

caf::expected<pruning_filter> pruning_filter::parse(std::string_view text) {
  std::string plain;
  std::remove_copy_if(text.begin(), text.end(), std::back_inserter(plain),
                      [](unsigned char c) { return std::isspace(c) != 0; });
  pruning_filter result;
  for (size_t at = 0; !plain.empty() && at <= plain.size();) {
    auto end = std::min(plain.find(',', at), plain.size());
    auto part = plain.substr(at, end - at);
    at = end + 1;
    auto colon = part.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == part.size())
      return make_error(ec::bad_argument,
                        fmt::format("pruning filter \"{}\": \"{}\" must be HIGH:LOW, two types of "
                                    "resources, or ALL:LOW",
                                    text, part));
    auto anchor = part.substr(0, colon), counted = part.substr(colon + 1);
    if (anchor == "ALL") {
      for (auto& [other, types] : result.at_anchor)
        types.erase(counted);
      result.everywhere.insert(counted);
    } else if (result.everywhere.count(counted) == 0) {
      result.at_anchor[anchor].insert(counted);
    }
  }
  return result;
}

} // namespace hactor
