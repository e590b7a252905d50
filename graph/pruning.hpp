// Which vertices keep count of what is below them: "ALL:core,rack:node" says that every vertex
// above a core knows how many cores are free below it, and every rack its nodes. Such counts let a
// match pass by what cannot hold it; they change how fast it is, never what it finds. The root
// counts all types of leaves besides.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor {

struct pruning_filter {
  std::set<std::string> everywhere; ///< ALL:type
  std::map<std::string, std::set<std::string>, std::less<>>
      at_anchor; ///< anchor:type, not in `everywhere`

  /// Reads HIGH:LOW[,HIGH:LOW...]; blanks are passed over, and nothing means that only the root
  /// counts. Errors: ec::bad_argument, naming the part.
  static caf::expected<pruning_filter> parse(std::string_view text);

  friend bool operator==(const pruning_filter&, const pruning_filter&) = default;
};

} // namespace hactor
