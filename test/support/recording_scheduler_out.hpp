// Records what a scheduler core answers, in the order of the answers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/scheduler_core.hpp"

namespace hactor::test {

struct recording_scheduler_out : scheduler_out {
  void granted(job_id id, rset&& r, start_kind how) override {
    kinds.insert_or_assign(id.value, std::string{name_of(how)});
    order.push_back("+" + std::to_string(id.value));
    grants.insert_or_assign(id.value, std::move(r));
  }
  void denied(job_id id, std::string note) override {
    order.push_back("!" + std::to_string(id.value));
    notes.insert_or_assign(id.value, std::move(note));
  }
  void cancelled(job_id id) override { order.push_back("-" + std::to_string(id.value)); }

  /// "+1 !2 -3": granted 1, denied 2, cancelled 3 since the last call; forgets the order.
  std::string take() {
    std::string text;
    for (auto& one : std::exchange(order, {}))
      text += (text.empty() ? "" : " ") + one;
    return text;
  }

  std::vector<std::string> order;
  std::map<uint64_t, rset> grants;
  std::map<uint64_t, std::string> kinds;
  std::map<uint64_t, std::string> notes;
};

} // namespace hactor::test
