// See the header. Unloading drops the core with all that it knew of jobs, and keeps the graph.
// Loading makes a core of the settings and the graph, and asks the job manager who holds what and
// who waits. What the job manager sent before its answer is in the answer, so it is passed over.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler_reload.hpp"

#include <fmt/format.h>

#include "actors/scheduler_settings.hpp"
#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

using phase = scheduler_state::phase;

scheduler_reply status_of(const scheduler_state& st) {
  auto c = st.core.counts();
  return {st.now == phase::loaded, changeable_settings(st.attributes), c.queued, c.running};
}

void unload(scheduler_state& st) {
  st.queue_states = queue_states_json(st.core);
  st.core.schedule(wall_ns(), st); // whoever was withdrawn is to hear of it
  st.tell();
  st.claims = st.core.claims();
  st.graph = st.core.take_graph();
  st.core = scheduler_core{};
  st.now = phase::unloaded;
}

/// Who holds room keeps it, who wants some waits again.
void recover(scheduler_state& st, const rooms_reply& rooms) {
  for (auto& h : rooms.held) {
    auto spec = st.specs->intern(h.spec);
    auto e = st.core.recover(h.id, h.resources, spec ? (*spec)->request.get() : nullptr);
    if (e) // no two jobs ever held the same
      log_error("{}: job {} runs on what another holds: {}", st.title, to_string(h.id),
                render(e));
  }
  st.now = phase::loaded;
  st.enqueue(rooms.wanted, 0);
  for (auto& [client, group] : std::exchange(st.kept, {}))
    st.enqueue({{std::move(group)}}, client);
  st.tell_vacant();
  // Nobody judged what came without a scheduler; the next pass denies what can never run.
  for (auto& group : rooms.wanted.groups)
    if (auto spec = st.specs->intern(group.spec))
      (void)st.core.feasible((*spec)->request);
}

/// Requires: unloaded; the settings are good.
caf::result<scheduler_reply> load(scheduler_state& st, scheduler_settings settings) {
  st.core = scheduler_core{std::move(settings)};
  if (st.graph) {
    auto e = st.core.set_graph(std::move(*st.graph));
    HACTOR_CHECK(!e); // it was scheduled before
    st.graph.reset();
  }
  if (st.last_inventory)
    st.take_inventory(*st.last_inventory);
  restore_queue_states(st.queue_states, st.core);
  for (auto& [number, c] : std::exchange(st.claims, {}))
    if (auto e = st.core.restore_claim(number, std::move(c)))
      log_warning("{}: claim {} is no more: {}", st.title, number, render(e));
  st.now = phase::loading;
  if (st.clients.empty()) { // no job has ever wanted room
    recover(st, {});
    return status_of(st);
  }
  auto promise = st.self->make_response_promise<scheduler_reply>();
  st.self->request(st.clients.front(), caf::infinite, rooms_atom_v)
      .then(
          [&st, promise](const rooms_reply& rooms) mutable {
            recover(st, rooms);
            auto c = st.core.counts();
            log_notice("{}: loaded; {} jobs run, {} wait", st.title, c.running, c.queued);
            promise.deliver(status_of(st));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

/// The settings that a load would have. Nothing is changed.
caf::expected<scheduler_settings> new_settings(const scheduler_state& st,
                                               const scheduler_request& r, config& attributes) {
  attributes = st.attributes;
  if (auto e = change_settings(attributes, r.settings))
    return e;
  auto settings = read_scheduler_settings(attributes);
  if (!settings)
    return settings;
  if (auto lost = st.core.lost_queue(*settings))
    return make_error(ec::wrong_state,
                      fmt::format("jobs wait in queue {}, which would be no more; cancel them, or "
                                  "name it in sched.queues",
                                  *lost));
  return settings;
}

} // namespace

std::string scheduler_state::unloaded_sentence() const {
  return now == phase::loading ? "the scheduler is being loaded"
                               : "the scheduler is not loaded; 'hactor scheduler load' loads it";
}

caf::error scheduler_state::refuse_unless_loaded() const {
  return now == phase::loaded ? caf::error{} : make_error(ec::wrong_state, unloaded_sentence());
}

caf::result<scheduler_reply> change_scheduler(scheduler_state& st, const scheduler_request& r) {
  if (r.verb == scheduler_verb::status)
    return status_of(st);
  if (st.now == phase::loading)
    return st.refuse_unless_loaded();
  if (st.clients.size() > 1 && st.now == phase::loaded)
    return make_error(ec::wrong_state,
                      "jobs of this instance and of the one around it are in this scheduler's "
                      "hands; it cannot be taken out of use");
  if (r.verb == scheduler_verb::unload) {
    if (auto e = st.refuse_unless_loaded())
      return e;
    unload(st);
    log_notice("{}: unloaded; jobs wait until it is loaded", st.title);
    return status_of(st);
  }
  if (r.verb == scheduler_verb::load && st.now == phase::loaded)
    return make_error(ec::wrong_state,
                      "the scheduler is loaded; 'hactor scheduler reload' takes other settings");
  config attributes;
  auto settings = new_settings(st, r, attributes);
  if (!settings)
    return std::move(settings.error());
  if (st.now == phase::loaded)
    unload(st);
  st.attributes = std::move(attributes);
  if (st.last_inventory)
    for (auto& note : queue_notes(st.attributes, *settings, st.last_inventory->all))
      log_warning("{}: {}", st.title, note);
  return load(st, std::move(*settings));
}

} // namespace hactor
