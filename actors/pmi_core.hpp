// The process manager's side of PMI-1, the wire of MPICH and of all that speak as it does: lines
// "cmd=NAME key=value ..." between each task and its node's shell, by which the ranks of an MPI
// program find each other. Values that were put go to all nodes with the next barrier. Called by
// actors/shell.cpp. Source: the PMI-1 wire protocol as MPICH's client and Hydra speak it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/mpi_world.hpp"

namespace hactor {

/// The descriptor that a task speaks PMI-1 on.
inline constexpr int pmi_fd = 3;

/// Which node each rank is on, as MPICH's PMI_process_mapping has it:
/// "(vector,(NODE,NODES,PER_NODE),...)", from its beginning again where ranks are left. `nodes`: by
/// rank. "" when that is longer than MPICH can read: it then finds out by itself.
std::string pmi_process_mapping(const std::vector<uint32_t>& nodes);

/// Which rank is on which node as RFC 34 has it: {"version":1,"map":[..]}. `nodes`: by rank.
std::string pmi_taskmap(const std::vector<uint32_t>& nodes);

using pmi_words = std::map<std::string, std::string, std::less<>>;

/// The words of a line "cmd=NAME key=VALUE ..". A value named "value" goes on to the end of the
/// line: it may hold blanks.
pmi_words read_pmi_line(std::string_view line);

class pmi_core {
public:
  /// What a call causes, in order.
  struct effects {
    std::vector<std::pair<uint32_t, std::string>> replies; ///< By local task.
    bool barrier = false;  ///< All ranks of this node are in it: take_values() is this node's part.
    std::string failure;   ///< The job is over: MPI_Abort, or what is no PMI. "" when not.
    int exit_code = 0;     ///< With a failure.
  };

  pmi_core() = default;
  /// Ranks of one world, of which `ranks` are here: its local tasks, in this order. `space`: the
  /// name of its key-value space.
  pmi_core(std::string space, const mpi_world& world, std::vector<uint32_t> ranks,
           std::string mapping);

  /// A value that all tasks can get without that one has put it. One that is longer than PMI allows
  /// is empty.
  void preset(const std::string& key, std::string value);

  /// Bytes of a local task, cut anywhere.
  void on_bytes(uint32_t task, std::string_view bytes, effects& out);

  /// What was put here since the last barrier, for all nodes.
  std::string take_values();

  /// All ranks of the world are in the barrier; `values` are the parts of all nodes, one behind the
  /// other.
  void on_barrier(std::string_view values, effects& out);

  /// True when a task that began with MPI has not finished with it: its end is the job's end.
  bool is_inside(uint32_t task) const { return peers_[task].inside; }

private:
  struct peer {
    std::string partial; // a line that has not ended
    bool inside = false; // between init and finalize
    bool multi_line = false;
  };

  void on_line(uint32_t task, std::string_view line, effects& out);
  std::string answer(uint32_t task, const pmi_words& w, effects& out);
  std::string put(const pmi_words& w);
  std::string get(const pmi_words& w) const;

  std::string rank_name(uint32_t task) const { return rank_text(world_, ranks_[task]); }

  std::string name_; // of the key-value space
  mpi_world world_;
  std::vector<uint32_t> ranks_;
  std::vector<peer> peers_;
  std::map<std::string, std::string, std::less<>> values_;
  std::string fresh_; // lines "key=value" put since the last barrier
  uint32_t waiting_ = 0;
};

} // namespace hactor
