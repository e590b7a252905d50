// Records what a job manager core causes, so that a test can look at it and play the other side.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "actors/job_manager_core.hpp"

namespace hactor::test {

struct recording_out : job_manager_out {
  struct launched {
    job_spec_ptr spec;
    launch_item item;
  };
  struct signalled {
    rank_t root;
    signal_item item;
  };

  void post(const job_event& e) override { events.push_back(e); }
  void keep_spec(const spec_hash& hash, const std::string& text) override {
    specs.emplace_back(hash, text);
  }
  void keep_record(job_record&& record) override { records.push_back(std::move(record)); }
  void want_room(const job_spec_ptr&, const alloc_entry& entry) override {
    wanted.push_back(entry);
  }
  void cancel_room(job_id id) override { cancelled.push_back(id); }
  void prioritize_room(const alloc_entry& entry) override { prioritized.push_back(entry); }
  void free_room(job_id id) override { freed.push_back(id); }
  void extend_room(job_id id, int64_t end_ns) override { extended.emplace_back(id, end_ns); }
  void launch(const job_spec_ptr& spec, launch_item&& item) override {
    launches.push_back({spec, std::move(item)});
  }
  void signal(const rset& where, const signal_item& item) override {
    signals.push_back({where.nodes.front().rank, item});
  }
  void settle(job_id id, uint32_t, const idset& brokers, const idset&) override {
    settles.emplace_back(id, brokers);
  }
  void ended(job_id id) override { over.push_back(id); }

  /// Names of the job's events since the last call, e.g. "submit validate"; forgets them.
  std::string take_names(job_id id) {
    std::string text;
    for (auto& e : events)
      if (e.id == id)
        text += (text.empty() ? "" : " ") + std::string{name_of(e.kind)};
    std::erase_if(events, [id](const auto& e) { return e.id == id; });
    return text;
  }
  void clear() { *this = {}; }

  std::vector<job_event> events;
  std::vector<std::pair<spec_hash, std::string>> specs;
  std::vector<job_record> records;
  std::vector<alloc_entry> wanted, prioritized;
  std::vector<std::pair<job_id, int64_t>> extended;
  std::vector<job_id> cancelled, freed, over;
  std::vector<launched> launches;
  std::vector<signalled> signals;
  std::vector<std::pair<job_id, idset>> settles;
};

} // namespace hactor::test
