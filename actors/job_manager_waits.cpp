// What a job waits for, as the job manager core knows it: by its state, and the ends that were set
// in motion. What goes on at the job's brokers is for them to tell.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/job_manager_core.hpp"
#include "actors/job_waits.hpp"

namespace hactor {

namespace {

/// "waits for X" -> "X".
std::string without_verb(std::string text) {
  constexpr std::string_view verb = "waits for ";
  return text.starts_with(verb) ? text.substr(verb.size()) : text;
}

/// Whom a job that lost a broker waits for.
std::string settling_text(const idset& due, bool tree_ended) {
  auto text = due.empty() ? std::string{}
                          : fmt::format("{} {} to have ended it",
                                        due.size() == 1 ? "rank" : "ranks", due.to_string());
  if (!tree_ended)
    text += std::string{text.empty() ? "" : ", and "} + "its first rank's report";
  return text + ": a broker of it was lost";
}

} // namespace

caf::expected<job_waits_reply> job_manager_core::waits_of(int64_t now_ns, job_id id,
                                                          const rank_map& where) const {
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return make_error(ec::unknown_job, to_string(id) + ": no active job has this id");
  auto& j = it->second;
  auto& fold = j.fold;
  job_waits_reply r;
  auto add = [&](std::string reason, int64_t since_ns, int64_t at_ns = 0, std::string then = {}) {
    r.waits.push_back({"job manager",
                       std::move(reason),
                       {},
                       since_ns == 0 ? -1 : std::max<int64_t>(now_ns - since_ns, 0),
                       at_ns == 0 ? -1 : std::max<int64_t>(at_ns - now_ns, 0),
                       at_ns == 0 ? "" : std::move(then),
                       {}});
  };
  if (fold.state == job_state::depend)
    add(without_verb(sentence_of(*j.spec->dependencies, fold.dependencies)), fold.t_depend);
  else if (j.retry_ns != 0)
    add("the pause before its next attempt (--retry-delay)", fold.t_priority, j.retry_ns,
        fmt::format("attempt {} begins", fold.attempts));
  else if (j.room_wanted)
    add(fold.state == job_state::sched ? "room, from the scheduler"
                                       : "the scheduler to take back its request for room",
        fold.state == job_state::sched ? fold.t_sched : fold.t_cleanup);
  if (j.launched) {
    if (fold.has_finished)
      add("what its tasks left to be gone from all its ranks", fold.t_cleanup);
    else if (fold.state == job_state::cleanup)
      add("its tasks to end, on all its ranks", fold.t_cleanup);
    else if (fold.has_started)
      add("its tasks to end", j.t_start_ns, j.deadline_ns, "it is ended (TIMEOUT)");
    else
      add("its tasks to be started on all its ranks", fold.t_run, j.deadline_ns,
          "it is ended (TIMEOUT)");
    if (fold.has_fatal)
      r.waits.back().reason +=
          fmt::format("; it is to end: {}{}", fold.exception_type,
                      fold.exception_note.empty() ? "" : ": " + fold.exception_note);
    r.ask.add(where.broker(j.resources.nodes.front().rank));
  }
  if (j.settle) {
    add(settling_text(j.settle->due, j.settle->tree_ended), 0);
    r.ask.add_all(j.settle->due);
  }
  r.ask.remove_all(lost_);
  for (auto& [growth, wanted] : growths_)
    if (wanted.job == id)
      add("room for the nodes that it asked for besides", 0);
  if (r.waits.empty())
    add(fold.state == job_state::inactive ? "its record to be on disk"
                                          : "its turn in the job manager",
        0);
  return r;
}

std::vector<std::string> job_manager_core::waits(size_t max) const {
  std::vector<std::string> lines;
  for (auto& [id, j] : jobs_)
    if (j.settle && lines.size() < max)
      lines.push_back("job " + to_string(id) + ": waits for "
                      + settling_text(j.settle->due, j.settle->tree_ended));
  return lines;
}

} // namespace hactor
