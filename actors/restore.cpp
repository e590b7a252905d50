// Restart: what the journal holds becomes the job manager's memory again.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <map>
#include <unordered_map>

#include "actors/job_archive.hpp"
#include "runtime/log.hpp"

namespace hactor {

caf::error restore_active(const journal& store, spec_cache& specs, job_manager_core& core) {
  std::map<job_id, job_record> live;
  journal_findings found;
  auto err = store.each_live(
      [&](const job_record& record) {
        live[record.id] = record;
        return true;
      },
      &found);
  if (err)
    return err;
  auto since = store.restart_sequence();
  if (!since)
    return std::move(since.error());
  std::unordered_map<job_id, std::vector<job_event>> events;
  err = store.read_log(
      *since,
      [&](uint64_t, const job_event& e) {
        if (live.count(e.id) != 0)
          events[e.id].push_back(e);
        return true;
      },
      &found);
  if (err)
    return err;
  for (auto& note : found.notes)
    log_warning("journal: {}", note);
  std::vector<std::pair<int64_t, const job_record*>> order; // in that in which they were submitted
  for (auto& [id, record] : live)
    order.emplace_back(events.count(id) != 0 ? events[id].front().t_ns : 0, &record);
  std::stable_sort(order.begin(), order.end(), [](auto& a, auto& b) { return a.first < b.first; });
  for (auto& [t_ns, at] : order) {
    auto& record = *at;
    auto id = record.id;
    auto spec = load_spec(store, specs, record.spec);
    if (!spec) {
      log_error("journal: job {} is left out: {}", to_string(id), render(spec.error()));
      continue;
    }
    auto it = events.find(id);
    if (it == events.end() || it->second.front().kind != event_kind::submit) {
      log_error("journal: job {} is left out: its submit event is gone", to_string(id));
      continue;
    }
    core.restore(*spec, record, it->second);
  }
  return {};
}

caf::expected<stored_jobs> count_stored(const journal& store) {
  stored_jobs stored;
  auto err = store.each_job(false, [&](const job_record& r) {
    stored.last_id_ms = std::max(stored.last_id_ms, fluid_ms(r.id));
    if (r.ended)
      ++stored.ended[r.result];
    return true;
  });
  if (err)
    return err;
  return stored;
}

caf::expected<std::shared_ptr<job_manager_core>> restore_jobs(journal& store, spec_cache& specs,
                                                              const stored_jobs& stored) {
  if (auto err = label_ended(store, specs))
    return err;
  auto core = std::make_shared<job_manager_core>();
  core->count_before(stored.ended);
  if (auto err = restore_active(store, specs, *core))
    return err;
  if (core->active() > 0)
    log_info("journal: {} jobs had not ended; they are queued again or marked lost",
             core->active());
  return core;
}

} // namespace hactor
