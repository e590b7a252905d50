// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/node_memory.hpp"

#include <fmt/format.h>

namespace hactor {

namespace {

constexpr int64_t mb = 1 << 20;

caf::error too_much(int64_t asked, const std::string& what_there_is) {
  return make_error(ec::unsatisfiable, fmt::format("asked for {} MB of memory on each node; {}",
                                                   (asked + mb - 1) / mb, what_there_is));
}

} // namespace

caf::error exceeds_memory(const job_spec& spec, const config& attributes) {
  auto all = attributes.integer("resource.memory");
  if (all > 0 && spec.memory_bytes > all)
    return too_much(spec.memory_bytes, fmt::format("the jobs of this instance may use {} MB of it "
                                                   "together",
                                                   all / mb));
  auto largest = attributes.integer("resource.node_memory");
  if (largest > 0 && spec.memory_bytes > largest)
    return too_much(spec.memory_bytes,
                    fmt::format("the largest node here has {} MB", largest / mb));
  return {};
}

} // namespace hactor
