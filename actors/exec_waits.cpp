// What jobs wait for, as the trees of their brokers have it: a part of exec_core.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/exec_core.hpp"
#include "actors/job_waits.hpp"

namespace hactor {

namespace {

idset as_idset(const std::set<rank_t>& ranks) {
  idset ids;
  for (auto rank : ranks)
    ids.add(rank);
  return ids;
}

std::string of_ranks(const idset& ids) {
  return (ids.size() == 1 ? "rank " : "ranks ") + ids.to_string();
}

} // namespace

std::vector<job_wait> exec_core::waits_of(int64_t now_ns, job_id id) const {
  std::vector<job_wait> all;
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return all;
  auto& j = it->second;
  auto age = now_ns - j.since_ns;
  auto add = [&](std::string reason, int64_t left_ns = -1, std::string then = {}) {
    all.push_back(
        {"exec", std::move(reason), {}, age, left_ns, std::move(then), idset::single(self_)});
  };
  auto left_until = [now_ns](int64_t at_ns) { return std::max<int64_t>(at_ns - now_ns, 0); };
  if (j.simulated && j.shell_due)
    add("the end of its simulated run", left_until(j.simulated_end_ns), "it ends");
  auto starting = as_idset(j.start_due);
  starting.remove(self_);
  if (!j.told_start && !starting.empty())
    add(of_ranks(starting) + " and those below to have started it");
  for (auto& [world, x] : j.exchanges) {
    if (x.from.empty())
      continue;
    if (auto missing = as_idset(missing_parts(j, world, x)); !missing.empty())
      add(fmt::format("what the tasks of {} tell the others{} (MPI_Init, a barrier)",
                      of_ranks(missing), world < 0 ? "" : fmt::format(" of world {}", world)),
          x.met || x.end_at_ns == 0 ? -1 : left_until(x.end_at_ns),
          x.met || x.end_at_ns == 0 ? "" : "the job fails (mpi-timeout)");
  }
  if (auto below = as_idset(j.children); !below.empty())
    add(of_ranks(below) + " and those below to have ended it");
  if (j.exit_at_ns != 0 && !j.ending)
    add("the tasks that others have left to end", left_until(j.exit_at_ns),
        "the job fails (exit-timeout)");
  if (j.clean_at_ns != 0)
    add("the other brokers to be clean", left_until(j.clean_at_ns),
        "those that are give back what they have");
  if (j.settling && !j.settled)
    add("what the job has here to end, since a broker of it was lost");
  else if (is_orphan(j))
    add(fmt::format("the job manager to end it: its parent in the tree, rank {}, is lost",
                    j.parent));
  return all;
}

std::set<rank_t> exec_core::below(job_id id) const {
  auto it = jobs_.find(id);
  return it == jobs_.end() ? std::set<rank_t>{} : it->second.children;
}

std::vector<std::string> exec_core::waits(int64_t now_ns, size_t max) const {
  std::vector<std::string> lines;
  for (auto& [id, j] : jobs_) {
    if (lines.size() >= max) {
      lines.push_back(fmt::format("and other jobs, {} in all", jobs_.size()));
      break;
    }
    lines.push_back(
        fmt::format("job {}: {}{}", to_string(id),
                    j.ending       ? "is to end"
                    : j.told_start ? "runs"
                                   : "starts",
                    j.shell_due && !j.simulated ? ", its tasks here have not ended" : ""));
    for (auto& w : waits_of(now_ns, id))
      lines.push_back("job " + to_string(id) + ": waits for " + to_text(w));
  }
  return lines;
}

} // namespace hactor
