// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_references.hpp"

#include <algorithm>
#include <map>
#include <queue>

#include <fmt/format.h>

namespace hactor {

namespace {

bool is_wanted(const job_reference& wanted, const found_job& job) {
  if (!wanted.of_copies)
    return true;
  return job.cc >= 0
         && (wanted.copies.empty() || wanted.copies.contains(static_cast<uint64_t>(job.cc)));
}

std::vector<job_id> sorted(std::vector<job_id> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

caf::error too_many() {
  return make_error(ec::too_big, fmt::format("attributes.system.dependencies: mean more than {} "
                                             "jobs; let one job wait for them, and others for it",
                                             references_max));
}

/// Entries that are alternatives, each of which stands for all of some jobs: (a and b) or c is
/// (a or c) and (b or c).
caf::error add_alternatives(json& list, const std::string& any,
                            const std::vector<std::vector<json>>& each) {
  std::vector<size_t> at(each.size());
  for (size_t n = 0;; ++n) {
    if (list.size() + each.size() > references_max)
      return too_many();
    for (size_t i = 0; i < each.size(); ++i) {
      auto entry = each[i][at[i]];
      entry["any"] = n == 0 ? any : fmt::format("{}.{}", any, n);
      list.push_back(std::move(entry));
    }
    size_t i = 0;
    while (i < each.size() && ++at[i] == each[i].size())
      at[i++] = 0;
    if (i == each.size())
      return {};
  }
}

} // namespace

std::vector<job_id> choose_named(const std::vector<found_job>& all, const job_reference& wanted) {
  auto from = INT64_MAX, last = INT64_MIN;
  for (auto& job : all) {
    if (!job.ended)
      from = std::min(from, job.t_submit_ns);
    last = std::max(last, job.t_submit_ns);
  }
  from = std::min(from, last);
  std::vector<job_id> ids;
  for (auto& job : all)
    if (job.t_submit_ns >= from && is_wanted(wanted, job))
      ids.push_back(job.id);
  return sorted(std::move(ids));
}

std::vector<job_id> choose_copies(const std::vector<found_job>& all, const found_job& one,
                                  const job_reference& wanted) {
  std::vector<job_id> ids;
  for (auto& job : all)
    if (job.t_submit_ns == one.t_submit_ns && job.label == one.label && is_wanted(wanted, job))
      ids.push_back(job.id);
  return sorted(std::move(ids));
}

caf::expected<job_spec>
resolve(const job_spec& spec,
        const std::function<const std::vector<job_id>*(const std::string& words)>& jobs_of) {
  auto document = parse_json(spec.text);
  HACTOR_CHECK(document); // it was read before
  auto& system = (*document)["attributes"]["system"];
  auto list = json::array();
  std::map<std::string, std::vector<std::vector<json>>> alternatives;
  for (auto& entry : system["dependencies"]) {
    std::vector<json> each;
    auto words = entry["value"].get<std::string>();
    auto scheme = entry["scheme"].get<std::string>();
    auto of_jobs = scheme.starts_with("after") || scheme.ends_with("same-node");
    auto* jobs = of_jobs ? jobs_of(words) : nullptr;
    if (jobs == nullptr)
      each.push_back(entry);
    else if (jobs->size() > references_max)
      return too_many();
    else
      for (auto id : *jobs) {
        auto one = entry;
        one["value"] = to_string(id);
        one["of"] = words;
        each.push_back(std::move(one));
      }
    if (auto any = entry.find("any"); any != entry.end())
      alternatives[any->get<std::string>()].push_back(std::move(each));
    else
      for (auto& one : each)
        list.push_back(std::move(one));
    if (list.size() > references_max)
      return too_many();
  }
  for (auto& [any, each] : alternatives)
    if (auto e = add_alternatives(list, any, each))
      return e;
  auto dependencies = read_dependencies(list, true); // that it is named was looked at before
  if (!dependencies)
    return std::move(dependencies.error());
  system["dependencies"] = std::move(list);
  auto next = spec.with_text(dump(*document));
  next.dependencies = std::move(*dependencies);
  return next;
}

namespace {

/// Some that wait for each other, as a sentence. Requires: each of the `left` waits for another.
std::string describe_circle(const std::vector<std::vector<size_t>>& waits_for,
                            const std::vector<size_t>& left,
                            const std::function<std::string(size_t)>& name_of) {
  auto is_left = [&left](size_t i) { return std::binary_search(left.begin(), left.end(), i); };
  std::vector<size_t> path{left.front()};
  for (;;) {
    auto& next = waits_for[path.back()];
    auto i = *std::find_if(next.begin(), next.end(), is_left);
    auto seen = std::find(path.begin(), path.end(), i);
    if (seen == path.end()) {
      path.push_back(i);
      continue;
    }
    path.erase(path.begin(), seen);
    path.push_back(i);
    break;
  }
  constexpr size_t told_max = 10;
  auto text = name_of(path.front());
  for (size_t i = 1; i < path.size() && i <= told_max; ++i)
    text += (i == 1 ? " waits for " : ", which waits for ") + name_of(path[i]);
  return text + (path.size() > told_max + 1 ? ", and so on" : "");
}

} // namespace

caf::expected<std::vector<size_t>>
order_by_waits(const std::vector<std::vector<size_t>>& waits_for,
               const std::function<std::string(size_t)>& name_of) {
  auto n = waits_for.size();
  std::vector<size_t> open(n);
  std::vector<std::vector<size_t>> waiting(n);
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> free;
  for (size_t i = 0; i < n; ++i) {
    open[i] = waits_for[i].size();
    for (auto j : waits_for[i])
      waiting[j].push_back(i);
    if (open[i] == 0)
      free.push(i);
  }
  std::vector<size_t> order;
  order.reserve(n);
  for (; !free.empty();) {
    auto i = free.top();
    free.pop();
    order.push_back(i);
    for (auto j : waiting[i])
      if (--open[j] == 0)
        free.push(j);
  }
  if (order.size() == n)
    return order;
  std::vector<size_t> left;
  for (size_t i = 0; i < n; ++i)
    if (open[i] > 0)
      left.push_back(i);
  return make_error(ec::bad_jobspec, "attributes.system.dependencies: jobs wait for each other: "
                                         + describe_circle(waits_for, left, name_of));
}

caf::expected<std::vector<size_t>>
order_by_waits(const std::vector<std::vector<size_t>>& waits_for, const std::vector<size_t>& arrays,
               const std::function<std::string(size_t)>& name_of) {
  std::vector<std::vector<size_t>> of_arrays(waits_for.size());
  for (size_t i = 0; i < waits_for.size(); ++i)
    for (auto j : waits_for[i])
      if (arrays[i] != arrays[j])
        of_arrays[arrays[i]].push_back(arrays[j]);
      else if (j >= i)
        return make_error(ec::bad_jobspec,
                          fmt::format("attributes.system.dependencies: {} waits for {}: jobs of an "
                                      "array may wait for those before them only",
                                      name_of(i), name_of(j)));
  auto firsts = order_by_waits(of_arrays, name_of);
  if (!firsts)
    return firsts;
  std::vector<size_t> order;
  order.reserve(arrays.size());
  for (auto first : *firsts)
    for (auto i = first; i < arrays.size() && arrays[i] == first; ++i)
      order.push_back(i);
  return order;
}

} // namespace hactor
