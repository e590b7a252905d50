// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/resource.hpp"

#include "actors/graph_changes.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

/// A dead rank cannot rejoin an MPI job: what only it could run is refused, not kept waiting. Ranks
/// that are down are not in the inventory's `all`.
void resource_state::tell_scheduler() {
  telling_waits = changes_due > 0;
  if (telling_waits)
    return; // what is being attached is not known here yet, and would be taken away
  self->send(scheduler, inventory{subtract(all, restrict_to(all, down)), down, drains.ranks()});
}

bool resource_state::find_down() {
  auto before = down;
  for (auto& node : all.nodes)
    if (lost.contains(where.broker(node.rank)))
      down.add(node.rank);
  return down != before;
}

void resource_state::take_nodes(const nodes_changed& c) {
  auto rest = all.ranks();
  rest.remove_all(c.removed);
  all = unite(restrict_to(all, rest), c.added);
  if (c.removed.empty())
    all.expiration = c.added.expiration;
}

namespace {

caf::result<done> change_drains(resource_state& st, const drain_request& r) {
  auto ranks = ranks_of(st.all, r);
  if (!ranks)
    return std::move(ranks.error());
  auto e = r.drain
               ? st.drains.drain(*ranks, r.reason, r.update, static_cast<double>(wall_ns()) / 1e9)
               : st.drains.undrain(*ranks);
  if (e)
    return e;
  st.tell_scheduler();
  commit_request c;
  c.batch.meta.emplace_back(drains_key, st.drains.to_json());
  auto promise = st.self->make_response_promise<done>();
  st.self->request(st.journal, caf::infinite, std::move(c))
      .then([promise](const committed&) mutable { promise.deliver(done{}); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

/// Of a nested instance, that has grown or shrunk.
caf::result<done> change_nodes(resource_state& st, const nodes_changed& c) {
  st.where = rank_map{st.where.brokers(), c.nodes};
  st.take_nodes(c);
  if (st.changes_due > 0)
    st.changed_meanwhile.push_back(c);
  st.down.remove_all(c.removed);
  auto drained = st.drains.ranks().intersect(c.removed);
  if (auto e = st.drains.undrain(drained))
    return e;
  st.tell_scheduler();
  return done{};
}

/// The scheduler has the graph; which nodes there are is told here too, from then on.
caf::result<graph_reply> ask_graph(resource_state::pointer self, graph_request r) {
  auto& st = self->state;
  if (!is_change(r.verb))
    return self->delegate(st.scheduler, std::move(r));
  // A nested instance has the nodes of its job and cannot get others in this way.
  if (st.where.nodes().empty())
    r.ranks = attachable_ranks(st.all, st.where.brokers(), st.lost);
  auto promise = self->make_response_promise<graph_reply>();
  ++st.changes_due;
  auto settle = [self] {
    auto& st = self->state;
    if (--st.changes_due > 0)
      return;
    st.changed_meanwhile.clear();
    if (st.telling_waits)
      st.tell_scheduler();
  };
  self->request(st.scheduler, caf::infinite, std::move(r))
      .then(
          [self, promise, settle](graph_reply& x) mutable {
            auto& st = self->state;
            x.all.starttime = st.all.starttime; // what was lost, and times, it does not have
            x.all.expiration = st.all.expiration;
            st.all = unite(x.all, restrict_to(st.all, st.down));
            for (auto& c : st.changed_meanwhile)
              st.take_nodes(c); // the scheduler has not heard of it
            st.telling_waits |= !st.drains.all().empty(); // of what has come back
            st.telling_waits |= st.find_down();           // what came may be lost by now
            settle();
            promise.deliver(std::move(x));
          },
          [promise, settle](caf::error& e) mutable {
            settle();
            promise.deliver(std::move(e));
          });
  return promise;
}

caf::result<resource_reply> describe(resource_state::pointer self) {
  auto& st = self->state;
  auto promise = self->make_response_promise<resource_reply>();
  self->request(st.scheduler, std::chrono::seconds(limits::request_timeout_s), usage_atom_v)
      .then(
          [self, promise](resource_reply& r) mutable {
            auto& st = self->state;
            r.all = st.all;
            r.down = st.down;
            r.up = st.all.ranks();
            r.up.remove_all(st.down);
            for (auto& [rank, d] : st.drains.all())
              r.drained.push_back(d);
            promise.deliver(std::move(r));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

} // namespace

resource_actor::behavior_type resource_service(resource_state::pointer self, resource_setup setup) {
  auto& state = self->state;
  state.scheduler = std::move(setup.scheduler);
  state.journal = std::move(setup.journal);
  state.all = std::move(setup.all);
  state.where = std::move(setup.where);
  state.title = std::move(setup.title);
  state.drains = drain_table::from_json(setup.drains);
  state.tell_scheduler();
  return {
      [self](const rank_lost& lost) {
        auto& st = self->state;
        st.lost.add(lost.rank);
        if (!st.find_down())
          return;
        log_warning("{}: what rank {} had is down", st.title, lost.rank);
        st.tell_scheduler();
      },
      [self](const nodes_changed& c) { return change_nodes(self->state, c); },
      [self](const drain_request& r) { return change_drains(self->state, r); },
      [self](graph_request& r) { return ask_graph(self, std::move(r)); },
      [self](usage_atom) { return describe(self); },
      [self](stats_atom) {
        auto& st = self->state;
        return stats_reply{{{"nodes", static_cast<int64_t>(st.all.nodes.size())},
                            {"down", static_cast<int64_t>(st.down.size())},
                            {"drained", static_cast<int64_t>(st.drains.all().size())}}};
      },
      [self](waits_atom) {
        waits_reply r;
        if (!self->state.down.empty())
          r.lines.push_back("ranks " + self->state.down.to_string() + " are down");
        if (auto drained = self->state.drains.ranks(); !drained.empty())
          r.lines.push_back("ranks " + drained.to_string() + " are drained");
        return r;
      },
  };
}

} // namespace hactor
