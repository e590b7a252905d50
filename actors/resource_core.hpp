// From what each rank brings to what the instance has: several ranks on one host share its cores
// and GPUs without counting any twice; pretended resources stand in for real ones.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "graph/rset.hpp"
#include "runtime/error.hpp"
#include "runtime/hardware.hpp"

namespace hactor {

/// The instance's resources, and what a person should know of how they came about.
struct instance_resources {
  rset all;
  std::vector<std::string> notes; // one sentence each
};

/// `ranks` by rank. Ranks of one host split it: by the binding that the launcher gave them when
/// those are disjoint, else evenly; a rank has at least one core, shared if there are fewer cores
/// than ranks. `oversubscribe`: each rank has the whole host.
instance_resources divide_hosts(const std::vector<hardware>& ranks, bool oversubscribe);

/// Resources from a text like "nodes=1000,cores=40,gpus=4"; hosts are fake0, fake1, ... Errors:
/// ec::bad_argument.
caf::expected<rset> fake_resources(const std::string& text);

} // namespace hactor
