// From what each rank brings to what the instance has: several ranks on one host share its cores
// and GPUs without counting any twice; pretended resources stand in for real ones. And what a
// person takes out of use.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/messages.hpp"
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

/// Leaves of what a rank brings what the job was granted whose task the rank is. What a host lacks
/// of it (that was pretended) others stand for, as many as were granted while there are some.
void confine(hardware& own, const std::optional<idset>& cores, const std::optional<idset>& gpus);

/// True when a core of `rank` is another rank's of the same host too.
bool shares_cores(const rset& all, rank_t rank);

/// Resources from a text like "nodes=1000,cores=40,gpus=4"; hosts are fake0, fake1, ... Errors:
/// ec::bad_argument.
caf::expected<rset> fake_resources(const std::string& text);

/// The ranks that nodes may have which are attached while jobs run: those of brokers that live and
/// that no node has; any that no node has when brokers run nodes of other ranks too, as with
/// pretended resources.
idset attachable_ranks(const rset& all, uint32_t brokers, const idset& lost_brokers);

/// Which ranks a person has taken out of use, and why. What it decides becomes durable by its JSON.
class drain_table {
public:
  /// Requires: the ranks exist. Errors: ec::wrong_state, naming them: drained already (unless
  /// `update`: the reason changes), or not drained. Then nothing changes.
  caf::error drain(const idset& ranks, const std::string& reason, bool update, double now_s);
  caf::error undrain(const idset& ranks);

  idset ranks() const;
  const std::map<rank_t, drained_rank>& all() const { return drained_; }

  std::string to_json() const;
  static drain_table from_json(const std::string& text); ///< What cannot be read is left out.

private:
  std::map<rank_t, drained_rank> drained_;
};

/// The ranks that a request means. Errors: ec::unknown_rank, ec::bad_argument (no such host).
caf::expected<idset> ranks_of(const rset& all, const drain_request& request);

} // namespace hactor
