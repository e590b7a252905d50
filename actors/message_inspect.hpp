// How a message shows its fields to CAF: one line under each struct of messages.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <caf/meta/type_name.hpp>

#define HACTOR_INSPECT(type, ...)                                                                  \
  template <class Inspector>                                                                       \
  typename Inspector::result_type inspect(Inspector& f, type& x) {                                 \
    return f(caf::meta::type_name(#type), __VA_ARGS__);                                            \
  }
