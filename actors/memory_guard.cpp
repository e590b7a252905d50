// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/memory_guard.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "actors/task_memory.hpp"
#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

/// What may be used beyond a limit between two looks is what can be written in that time.
constexpr auto interval = std::chrono::milliseconds{500};

/// Where a look takes long the next waits so many times as long.
constexpr int pause_factor = 50;

std::vector<memory_use> measure(const memory_guard_state& st, bool exact) {
  std::vector<memory_use> all;
  for (auto& [id, m] : st.members)
    all.push_back({m.path, m.limits, memory_of({m.tasks.begin(), m.tasks.end()}, exact)});
  return all;
}

void look_later(memory_guard_state::pointer self, std::chrono::nanoseconds wait) {
  self->state.watching = true;
  self->delayed_send(self, wait, caf::tick_atom_v);
}

void on_member(memory_guard_state::pointer self, memory_member& m) {
  auto& st = self->state;
  auto it = st.members.find(m.id);
  if (m.ended) {
    if (it == st.members.end())
      return; // it was told to end
    it->second.tasks.erase(m.pid);
    if (it->second.tasks.empty())
      st.members.erase(it);
    return;
  }
  if (it == st.members.end()) {
    auto path = (m.instance.empty() ? "" : m.instance + "/") + to_string(m.id);
    it = st.members
             .emplace(m.id, memory_guard_state::member{std::move(path),
                                                       std::move(m.limits),
                                                       {},
                                                       caf::actor_cast<shell_actor>(m.shell)})
             .first;
  }
  it->second.tasks.insert(m.pid);
  if (!st.watching)
    look_later(self, interval);
}

void look(memory_guard_state::pointer self) {
  auto& st = self->state;
  st.watching = false;
  if (st.members.empty())
    return; // whoever comes next begins the watch anew
  ++st.looks;
  auto begun = steady_ns();
  auto uses = measure(st, false);
  auto excess = find_excess(uses);
  if (!excess.empty()) { // what forked processes share was counted for each
    uses = measure(st, true);
    excess = find_excess(uses);
  }
  for (auto& e : excess) {
    auto text = excess_text(uses[e.job], e);
    log_notice("memory-guard: job {} on {}: {}; it ends", uses[e.job].path, st.host, text);
    auto it = std::find_if(st.members.begin(), st.members.end(),
                           [&](auto& m) { return m.second.path == uses[e.job].path; });
    self->send(it->second.shell, memory_exceeded{std::move(text)});
    st.members.erase(it); // what it uses until it is gone is no reason to end another
    ++st.ended;
  }
  look_later(self, std::max<std::chrono::nanoseconds>(
                       interval, std::chrono::nanoseconds{pause_factor * (steady_ns() - begun)}));
}

} // namespace

memory_guard_actor::behavior_type memory_guard_service(memory_guard_state::pointer self,
                                                       std::string host) {
  self->state.host = std::move(host);
  return {
      [self](memory_member& m) { on_member(self, m); },
      [self](caf::tick_atom) { look(self); },
      [self](stats_atom) {
        auto& st = self->state;
        return stats_reply{{{"watched", static_cast<int64_t>(st.members.size())},
                            {"looks", st.looks},
                            {"ended", st.ended}}};
      },
      [](waits_atom) { return waits_reply{}; },
  };
}

} // namespace hactor
