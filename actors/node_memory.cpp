// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/node_memory.hpp"

#include <fmt/format.h>

namespace hactor {

caf::error exceeds_memory(const job_spec& spec, const config& attributes) {
  if (auto e = exceeds_memory(spec, attributes.integer("resource.memory")))
    return e;
  auto largest = attributes.integer("resource.node_memory");
  if (largest <= 0 || spec.memory_bytes <= largest)
    return {};
  constexpr int64_t mb = 1 << 20;
  return make_error(ec::unsatisfiable,
                    fmt::format("asked for {} MB of memory on each node; the largest node here has "
                                "{} MB",
                                (spec.memory_bytes + mb - 1) / mb, largest / mb));
}

} // namespace hactor
