// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/type_words.hpp"

#include <fmt/format.h>

namespace hactor {

namespace {

bool is_amount(std::string_view type) {
  for (auto amount : {"power", "storage", "memory", "bandwidth", "energy", "bb"})
    if (type == amount || type.ends_with(std::string{"_"} + amount))
      return true;
  return type.ends_with("_bw") || type.ends_with("bandwidth");
}

} // namespace

std::string count_of_type(std::string_view count, std::string_view type) {
  return fmt::format("{} {}{}", count, type, count == "1" || is_amount(type) ? "" : "s");
}

} // namespace hactor
