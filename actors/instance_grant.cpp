// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/instance_grant.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "runtime/hostlist.hpp"

namespace hactor {

caf::error check_cores(const rset& grant, job_id job) {
  std::vector<std::string> bare;
  for (size_t i = 0; i < grant.nodes.size(); ++i)
    if (grant.nodes[i].cores.empty())
      bare.emplace_back(grant.host(i));
  if (bare.empty())
    return caf::none;
  return make_error(ec::wrong_state,
                    fmt::format("job {} has no cores on {}; an instance needs one on each node",
                                to_string(job), format_hostlist(bare)));
}

} // namespace hactor
