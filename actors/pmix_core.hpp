// The part in PMIx that one MPI_COMM_WORLD of a job has on one broker: what its PMIx server
// (hactor-pmix) asks and is told, and what goes to the job's other brokers. Called by
// actors/mpi_worlds.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/messages.hpp"
#include "actors/mpi_world.hpp"
#include "actors/pmix_protocol.hpp"

namespace hactor {

/// What PMIx calls success, and what it says when there is nothing to be had.
inline constexpr int32_t pmix_success = 0;
inline constexpr int32_t pmix_not_found = -46;

class pmix_core {
public:
  /// What a call causes, in order.
  struct effects {
    std::vector<pmix_word> words;     ///< For the PMIx server.
    std::optional<std::string> part;  ///< This broker's part of an exchange among all.
    std::vector<modex_request> asks;  ///< For other brokers.
    std::vector<modex_reply> replies; ///< For other brokers.
    std::string failure;              ///< The job is over. "" when not.
    int exit_code = 0;                ///< With a failure.
    std::optional<uint32_t> dropped;  ///< This rank's program has gone; its task may go too.
  };

  pmix_core() = default;
  /// `brokers`: by rank, where it is; `self`: this one. To the server the world is a job.
  pmix_core(job_id id, const mpi_world& world, pmix_job job, std::vector<rank_t> brokers,
            rank_t self);

  void on_word(const pmix_word& word, effects& out);

  /// The parts of all brokers, one behind the other.
  void on_exchange(const std::string& values, effects& out);

  void on_request(const modex_request& r, effects& out);
  void on_reply(const modex_reply& r, effects& out);

  /// True when a task that began with MPI has not finished with it: its end is the job's end.
  bool is_inside(uint32_t rank) const { return inside_.count(rank) != 0; }
  /// True while this broker's part of an exchange waits for the others'.
  bool in_exchange() const { return exchanging_; }
  /// True when the server knows the job.
  bool is_known() const { return known_; }
  const std::string& space() const { return job_.space; }

private:
  void begin_exchange(effects& out);
  void add_ask(uint64_t ask, uint32_t task, effects& out) const;
  pmix_word word(pmix_kind kind, uint64_t id) const;

  job_id id_;
  mpi_world world_;
  pmix_job job_;
  std::vector<rank_t> brokers_;
  rank_t self_ = 0;
  bool known_ = false;
  bool exchanging_ = false;
  std::set<uint32_t> inside_;                           // ranks between begin and end
  std::deque<std::pair<uint64_t, std::string>> fences_; // the first is under way
  uint64_t last_ask_ = 0;
  std::map<uint64_t, modex_request> asked_; // of other brokers, by what the server was asked
};

} // namespace hactor
