// What a broker and lib/hactor/hactor_python_policy.so, which alone knows Python, say to each
// other: an order of jobs that a Python file defines. Of the standard library only, so that the
// module links nothing of hactor's. Callers: python_policy.cpp; python_policy_module.cpp defines
// it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "graph/policy.h"

namespace hactor {

class python_order {
public:
  virtual ~python_order() = default;

  /// As hactor_queue_policy::compare. When the file raised something, `error` is "FILE:LINE: what",
  /// else it is left alone. By any thread, several at once too.
  virtual int compare(const hactor_job& a, const hactor_job& b, std::string& error) = 0;

  std::string name;
  uint32_t reservation_depth = 0;
  bool stop_at_blocked = false;
};

/// The module's entry point: runs the file and makes its policy, which is the caller's to delete; a
/// null pointer and `error` when that fails.
using open_python_order = python_order*(const char* path, std::string& error);
inline constexpr const char* open_python_order_name = "hactor_open_python_order";

} // namespace hactor
