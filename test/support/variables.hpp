// An environment made of what a test says, for what reads variables.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <string>

#include "runtime/launcher.hpp"

namespace hactor::test {

using variables = std::map<std::string, std::string>;

inline environment env_of(const variables& v) {
  return [v](const char* name) {
    auto i = v.find(name);
    return i == v.end() ? nullptr : i->second.c_str();
  };
}

} // namespace hactor::test
