// Restart: what the journal holds becomes the job manager's memory again.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <unordered_map>

#include "actors/job_archive.hpp"
#include "runtime/log.hpp"

namespace hactor {

caf::error restore_active(const journal& store, spec_cache& specs, job_manager_core& core) {
  std::unordered_map<job_id, job_record> live;
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
  for (auto& [id, record] : live) {
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

caf::expected<std::shared_ptr<job_manager_core>> restore_jobs(const journal& store,
                                                              spec_cache& specs) {
  auto core = std::make_shared<job_manager_core>();
  if (auto err = restore_active(store, specs, *core))
    return err;
  if (core->active() > 0)
    log_info("journal: {} jobs had not ended; they are queued again or marked lost",
             core->active());
  return core;
}

} // namespace hactor
