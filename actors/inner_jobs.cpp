// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/inner_jobs.hpp"

#include <utility>

namespace hactor {

bool is_on_path(const std::string& path, job_id job) {
  auto id = to_string(job);
  return ("/" + path + "/").find("/" + id + "/") != std::string::npos;
}

std::vector<job_id>
inner_jobs::begin_settle(job_id job, uint32_t attempt, const idset& lost,
                         const std::unordered_map<job_id, job_origin_ptr>& origins) {
  std::vector<job_id> within;
  dead_[job] = attempt;
  for (auto& [id, origin] : origins)
    if (!origin->instance.empty() && is_on_path(origin->instance, job))
      within.push_back(id);
  if (!within.empty())
    settling_[job] = {{job, attempt, lost}, {within.begin(), within.end()}};
  return within;
}

std::vector<inner_jobs::outer> inner_jobs::on_gone(job_id job) {
  std::vector<outer> ready;
  for (auto it = settling_.begin(); it != settling_.end();) {
    it->second.due.erase(job);
    if (!it->second.due.empty()) {
      ++it;
      continue;
    }
    ready.push_back(std::move(it->second.what));
    it = settling_.erase(it);
  }
  return ready;
}

void inner_jobs::on_launch(job_id job, uint32_t attempt) {
  if (auto it = dead_.find(job); it != dead_.end() && it->second < attempt)
    dead_.erase(it);
}

bool inner_jobs::is_dead(const std::string& path) const {
  if (dead_.empty() || path.empty())
    return false;
  for (auto& [job, attempt] : dead_)
    if (is_on_path(path, job))
      return true;
  return false;
}

} // namespace hactor
