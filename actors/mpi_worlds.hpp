// The MPI_COMM_WORLDs that a job's tasks on one broker have, and what of PMI-1 and PMIx each is
// told: a world of all tasks, or one for each program. Its part of an exchange goes to the brokers
// that have tasks of the same world; where there is no other it is whole at once. Called by
// actors/shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/mpi_world.hpp"
#include "actors/pmi_core.hpp"
#include "actors/pmix_core.hpp"
#include "actors/shell_core.hpp"

namespace hactor {

class mpi_worlds {
public:
  /// What a call causes, in order. Tasks are those of the shell, by index.
  struct effects {
    std::vector<std::pair<uint32_t, std::string>> replies; ///< On the tasks' descriptors.
    std::vector<pmix_word> words;                          ///< For the PMIx server.
    std::vector<exchange_part> parts;
    std::vector<modex_request> asks;
    std::vector<modex_reply> answers;
    std::string failure;             ///< The job is over. "" when not.
    int exit_code = 0;               ///< With a failure.
    std::optional<uint32_t> dropped; ///< This task's program has gone; the task may go too.
  };

  mpi_worlds() = default;
  mpi_worlds(job_id id, rank_t self, const shell_work& work, const shell_place& place);

  /// Bytes of a task on its descriptor, cut anywhere. Requires: the work has PMI-1.
  void on_bytes(uint32_t task, std::string_view bytes, effects& out);
  void on_word(const pmix_word& word, effects& out);
  void on_exchange(const exchange_whole& whole, effects& out);
  void on_request(const modex_request& r, effects& out);
  void on_reply(const modex_reply& r, effects& out);

  /// True when a task that began with MPI has not finished with it: its end is the job's end.
  bool is_inside(uint32_t task) const;
  /// For people: which rank the task is. Requires: tasks meet.
  std::string rank_name(uint32_t task) const;
  /// Those that tasks here have; empty when tasks do not meet.
  std::vector<mpi_world> here() const;
  /// By a place in here().
  const std::vector<uint32_t>& tasks_of(size_t world) const { return parts_[world].tasks; }

  /// The names in PMIx of the worlds, and whether the server knows them.
  std::vector<std::pair<std::string, bool>> spaces() const;
  /// All tasks have ended: PMIx is heard no more.
  void leave_pmix();

private:
  struct part {
    mpi_world world;
    std::vector<uint32_t> tasks; // of ours, by index
    idset among;                 // brokers; of one that is whole: not told
    bool alone = false;          // all of its ranks are here
    std::optional<pmi_core> pmi;
    std::optional<pmix_core> pmix;
  };
  struct seat {
    uint32_t part = 0;  // index of its world
    uint32_t local = 0; // among the tasks of that world here
    uint32_t rank = 0;  // in the world
  };

  void pass(part& p, std::string values, effects& out);
  void take(part& p, pmi_core::effects&& caused, effects& out);
  void take(part& p, pmix_core::effects&& caused, effects& out);
  void give(part& p, const std::string& values, effects& out);
  part* find(int32_t world);

  job_id id_;
  rank_t self_ = 0;
  std::vector<part> parts_;
  std::vector<seat> seats_; // by task
};

} // namespace hactor
