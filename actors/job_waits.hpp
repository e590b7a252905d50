// What a job waits for, put together from all who wait for something of it: an actor answers with
// its own waits and those of the actors below it, and names who does not answer. Called by job
// manager, exec, shell and the clients' method job.waits.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/messages.hpp"

namespace hactor {

/// Waits of one job that are told of; the rest are counted.
inline constexpr size_t job_waits_max = 200;

/// Adds `more`: what several brokers wait for alike becomes one wait, with the longest of their
/// ages and of their times.
void add_waits(std::vector<job_wait>& all, std::vector<job_wait>&& more);

/// A wait as a sentence without its owner: "tasks 0-3 to end, for 2.5s; at most 3s more, then
/// SIGKILL".
std::string to_text(const job_wait& w);

/// Answers of several, and those who owe theirs.
struct waits_gathering {
  job_waits_reply sum;
  std::function<void(job_waits_reply&&)> tell; // all have answered, or will not
  size_t due = 1;                              // whoever asks, until all are asked

  void take(std::vector<job_wait>&& part) {
    add_waits(sum.waits, std::move(part));
    if (--due == 0)
      tell(std::move(sum));
  }
};
using waits_gathering_ptr = std::shared_ptr<waits_gathering>;

/// Time for those below one that has this long itself.
inline int64_t patience_below(int64_t patience_ns) { return patience_ns * 3 / 4; }

/// Asks one more; who does not answer in time becomes a wait of its own. `gone`: it may just have
/// ended, which is none.
template <class Self, class Actor>
void gather_waits(Self self, const Actor& whom, const job_waits_request& q, const job_wait& silent,
                  bool gone, const waits_gathering_ptr& into) {
  ++into->due;
  self->request(whom, std::chrono::nanoseconds(q.patience_ns), q)
      .then([into](job_waits_reply& r) { into->take(std::move(r.waits)); },
            [into, silent, gone, q](const caf::error& e) {
              if (gone && e == caf::sec::request_receiver_down)
                return into->take({});
              auto w = silent;
              w.age_ns = e == caf::sec::request_timeout ? q.patience_ns : -1;
              into->take({w});
            });
}

} // namespace hactor
