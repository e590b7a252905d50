// See utf8_words.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/utf8_words.hpp"

#include <fmt/format.h>

#include "runtime/utf8_text.hpp"

namespace hactor::workflow {

caf::error check_utf8(std::string_view text) {
  if (is_utf8(text))
    return {};
  return make_error(ec::bad_argument,
                    fmt::format("'{}' is not UTF-8: the JSON in which it is sent cannot carry it",
                                escape_odd_bytes(text)));
}

caf::error check_all_utf8(const json& value) {
  if (value.is_string())
    return check_utf8(value.get_ref<const std::string&>());
  if (!value.is_structured())
    return {};
  for (auto& [key, member] : value.items()) {
    if (auto e = check_utf8(key))
      return e;
    if (auto e = check_all_utf8(member))
      return e;
  }
  return {};
}

std::vector<std::string> leave_out_odd(environment_map& variables) {
  std::vector<std::string> said;
  std::erase_if(variables, [&said](auto& variable) {
    if (is_utf8(variable.first) && is_utf8(variable.second))
      return false;
    said.push_back("the environment variable " + escape_odd_bytes(variable.first)
                   + " is left out: it is not UTF-8");
    return true;
  });
  return said;
}

} // namespace hactor::workflow
