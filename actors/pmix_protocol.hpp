// What a broker and its PMIx server (the program hactor-pmix, mpi-boot/pmix_main.cpp) say to each
// other over the server's descriptor 3: words, each behind its length (actors/framed_words.hpp).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hactor {

/// The descriptor of the PMIx server on which it accepts the tasks' connections; 3 is the broker.
inline constexpr int pmix_door_fd = 4;

/// The server's name in PMIx; its rank is 0.
inline constexpr const char* pmix_server_name = "hactor-pmix";

enum class pmix_kind : uint8_t {
  // Of the server.
  lookup,    ///< A task of `space` knocks, which I do not know: what is it?
  connected, ///< `rank` has begun; it waits for the answer.
  finalized, ///< `rank` has finished; it waits for the answer.
  aborted,   ///< `rank` wants the job to end with `status`; it waits for the answer.
  dropped,   ///< `rank` has gone without having finished.
  fence,     ///< All ranks of this broker are in a fence of all; `bytes` are for all others.
  fetch,     ///< A rank of this broker wants to know what `rank` of another has put.
  given,     ///< Answer to `asked`: what `rank` has put; `status` of PMIx.
  ended,     ///< Said by the broker in its place: it has died; `bytes` say how.
  // Of the broker.
  job,    ///< Answer to `lookup`: `bytes` are a packed pmix_job; none: there is no such job.
  answer, ///< To the word with `id`.
  fenced, ///< Answer to `fence`: `bytes` of all.
  value,  ///< Answer to `fetch`: `bytes`; `status` of PMIx.
  asked,  ///< Another broker wants to know what `rank` has put.
  forget, ///< The job has ended.
};

struct pmix_word {
  static constexpr auto last_kind = pmix_kind::forget;
  pmix_kind kind{};
  std::string space; // of the job
  uint64_t id = 0;   // of a question, which its answer has too
  uint32_t rank = 0; // of a task
  int32_t status = 0;
  std::string bytes;

  template <class Archive>
  void serialize(Archive& a) {
    a(kind, space, id, rank, status, bytes);
  }
};

/// What the tasks of a job may ask about it. Where its programs have worlds of their own, each of
/// these is a job here.
struct pmix_job {
  std::string space;
  std::vector<std::string> hosts; // each once
  std::vector<uint32_t> places;   // by rank: index of its host
  std::vector<uint32_t> ranks;    // of this broker
  std::string folder;             // for what its MPI leaves on this broker; the server makes it

  template <class Archive>
  void serialize(Archive& a) {
    a(space, hosts, places, ranks, folder);
  }
};

} // namespace hactor
