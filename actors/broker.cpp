// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/broker.hpp"

#include <caf/io/middleman.hpp>
#include <fmt/format.h>

#include "runtime/clock.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "runtime/multiplexer.hpp"
#include "runtime/system.hpp"
#include "runtime/tree.hpp"

namespace hactor {

namespace {

using pointer = broker_state::pointer;

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);
constexpr auto retry = std::chrono::milliseconds(2);
constexpr int64_t peer_wait_ns = int64_t{limits::request_timeout_s} * 1'000'000'000;

void tick_soon(pointer self) {
  if (std::exchange(self->state.ticking, true))
    return;
  self->delayed_send(self, retry, caf::tick_atom_v);
}

void dial(pointer self, rank_t rank);

/// A peer is known now: whoever waited for it is told.
void add_peer(pointer self, const rank_services& s) {
  auto& st = self->state;
  st.peers[s.rank] = s;
  st.dialling.erase(s.rank);
  auto [first, last] = st.waiting.equal_range(s.rank);
  for (auto w = first; w != last; ++w)
    w->second.promise.deliver(s);
  st.waiting.erase(first, last);
  for (auto [d, end] = st.dials.equal_range(s.rank); d != end; d = st.dials.erase(d))
    self->send(caf::actor_cast<broker_actor>(s.broker), d->second);
  self->monitor(s.broker);
  // The lead comes last: when it has met everybody, all links of the tree are there.
  if (st.setup.rank != 0 && s.rank != 0 && s.rank == *tree_parent(st.setup.rank, st.setup.fanout))
    dial(self, 0);
  if (st.peers.size() + 1 >= st.setup.size)
    for (auto& p : std::exchange(st.wait_for_all, {}))
      p.deliver(done{});
}

/// We are of another version: nobody will take us, and whoever waits here need not.
void be_refused(pointer self, rank_t rank, const caf::error& e) {
  auto& st = self->state;
  st.refusal = make_error(ec::bad_argument,
                          fmt::format("rank {} on {} does not take this broker: {}", rank,
                                      st.setup.hosts[rank], context_of(e)));
  for (auto& [of, w] : std::exchange(st.waiting, {}))
    w.promise.deliver(st.refusal);
}

void greet(pointer self, rank_t rank, const caf::strong_actor_ptr& peer) {
  self->request(caf::actor_cast<broker_actor>(peer), deadline, hello_request{self->state.own})
    .then([self](const hello_reply& r) { add_peer(self, r.services); },
          [self, rank](const caf::error& e) {
            self->state.dialling.erase(rank);
            if (code_of(e) == ec::bad_argument)
              be_refused(self, rank, e);
            else
              log_error("broker: rank {} does not take us: {}", rank, render(e));
          });
}

/// Dials a lower rank. A peer that has not got as far as to listen is dialled again.
void dial(pointer self, rank_t rank) {
  auto& st = self->state;
  if (st.refusal || st.peers.count(rank) != 0 || !st.dialling.insert(rank).second)
    return;
  self->request(self->system().middleman().actor_handle(), deadline, caf::connect_atom_v,
                multiplexer::host_of(rank), broker_port)
    .then(
      [self, rank](const caf::node_id&, caf::strong_actor_ptr& peer, std::set<std::string>&) {
        if (peer) {
          greet(self, rank, peer);
        } else {
          self->state.dialling.erase(rank);
          tick_soon(self);
        }
      },
      [self, rank](const caf::error&) {
        self->state.dialling.erase(rank);
        tick_soon(self);
      });
}

/// Makes a peer known: dials it when it is lower, else asks it, by way of the lead, to dial us.
void seek(pointer self, rank_t rank) {
  auto& st = self->state;
  if (rank < st.setup.rank) {
    dial(self, rank);
    return;
  }
  dial_request ask{st.setup.rank, rank};
  if (auto it = st.peers.find(0); it != st.peers.end())
    self->send(caf::actor_cast<broker_actor>(it->second.broker), ask);
}

/// We are to dial, or the one to whom it is passed on.
void take_dial(pointer self, const dial_request& d) {
  auto& st = self->state;
  if (d.to == st.setup.rank)
    dial(self, d.from);
  else if (auto it = st.peers.find(d.to); it != st.peers.end())
    self->send(caf::actor_cast<broker_actor>(it->second.broker), d);
  else if (st.setup.rank == 0 && st.lost.count(d.to) == 0 && d.to < st.setup.size)
    st.dials.emplace(d.to, d);
}

void give_up(pointer self, rank_t rank, const caf::error& why) {
  auto& st = self->state;
  auto [first, last] = st.waiting.equal_range(rank);
  for (auto w = first; w != last; ++w)
    w->second.promise.deliver(why);
  st.waiting.erase(first, last);
}

caf::result<rank_services> find_peer(pointer self, rank_t rank) {
  auto& st = self->state;
  if (rank >= st.setup.size)
    return make_error(ec::unknown_rank, fmt::format("rank {}: this instance has ranks 0 to {}",
                                                    rank, st.setup.size - 1));
  if (rank == st.setup.rank)
    return st.own;
  if (st.lost.count(rank) != 0)
    return make_error(ec::rank_lost,
                      fmt::format("rank {} on {} was lost", rank, st.setup.hosts[rank]));
  if (auto it = st.peers.find(rank); it != st.peers.end())
    return it->second;
  if (st.refusal)
    return st.refusal;
  auto promise = self->make_response_promise<rank_services>();
  st.waiting.emplace(rank, broker_state::waiter{steady_ns() + peer_wait_ns, promise});
  seek(self, rank);
  tick_soon(self);
  return promise;
}

/// This rank leaves when all beneath it know: who hears nothing and sees its lead go would take it
/// for lost.
void leave_when_told(pointer self) {
  auto& st = self->state;
  if (!st.untold.empty())
    return;
  for (auto& p : std::exchange(st.wait_until_told, {}))
    p.deliver(done{});
  if (st.setup.rank != 0)
    st.setup.on_shutdown(st.end->reason);
}

/// It and all beneath it know of the end, or it is gone.
void told(pointer self, rank_t rank) {
  if (self->state.untold.erase(rank) != 0)
    leave_when_told(self);
}

void tell_end(pointer self, rank_t rank) {
  auto& st = self->state;
  auto it = st.peers.find(rank);
  if (it == st.peers.end() || !st.untold.insert(rank).second)
    return;
  self->request(caf::actor_cast<broker_actor>(it->second.broker), deadline, *st.end)
    .then([self, rank](done) { told(self, rank); },
          [self, rank](const caf::error&) { told(self, rank); });
}

/// The end comes down the tree; the lead, which knows everybody, tells those whose parent was lost.
void tell_orphans_end(pointer self, rank_t lost) {
  auto& st = self->state;
  if (st.setup.rank == 0)
    for (auto orphan : tree_children(lost, st.setup.size, st.setup.fanout))
      tell_end(self, orphan);
}

void shut_down(pointer self, const shutdown_request& r) {
  auto& st = self->state;
  if (st.end || (st.setup.rank == 0 && !st.setup.on_shutdown(r.reason)))
    return;
  st.end = r;
  for (auto child : tree_children(st.setup.rank, st.setup.size, st.setup.fanout))
    tell_end(self, child);
  for (auto rank : st.lost)
    tell_orphans_end(self, rank);
  leave_when_told(self);
}

void on_lost(pointer self, rank_t rank) {
  auto& st = self->state;
  if (!st.lost.insert(rank).second)
    return;
  if (st.end) { // peers may be gone before us when the instance ends
    tell_orphans_end(self, rank);
    told(self, rank);
    return;
  }
  if (st.setup.rank == 0) // for all: there may be thousands
    log_error("broker: rank {} on {} was lost", rank, st.setup.hosts[rank]);
  else
    log_debug("broker: rank {} on {} was lost", rank, st.setup.hosts[rank]);
  st.peers.erase(rank);
  st.dials.erase(rank);
  give_up(self, rank,
          make_error(ec::rank_lost,
                     fmt::format("rank {} on {} was lost", rank, st.setup.hosts[rank])));
  if (rank == 0) {
    st.setup.on_lead_lost();
    return;
  }
  st.setup.on_peer_lost(rank); // heartbeats find deaths that the transport does not see
  self->send(caf::actor_cast<exec_actor>(st.own.exec), rank_lost{rank});
  if (st.own.job_manager)
    self->send(caf::actor_cast<job_manager_actor>(st.own.job_manager), rank_lost{rank});
  if (st.own.resource)
    self->send(caf::actor_cast<resource_actor>(st.own.resource), rank_lost{rank});
  if (auto it = st.named.find("connector"); it != st.named.end())
    self->send(caf::actor_cast<connector_actor>(it->second), rank_lost{rank});
}

/// Asks the rank that is meant, and puts ourselves in front of its route.
caf::result<ping_reply> ping_far(pointer self, const ping_request& r) {
  auto promise = self->make_response_promise<ping_reply>();
  auto fail = [promise](caf::error& e) mutable { promise.deliver(std::move(e)); };
  auto ask = [self, promise, r, fail](const rank_services& s) {
    self->request(caf::actor_cast<broker_actor>(s.broker), deadline, r)
      .then(
        [self, promise](ping_reply& reply) mutable {
          reply.route = std::to_string(self->state.setup.rank) + "!" + reply.route;
          promise.deliver(std::move(reply));
        },
        fail);
  };
  if (auto it = self->state.peers.find(r.rank); it != self->state.peers.end())
    ask(it->second);
  else
    self->request(caf::actor_cast<broker_actor>(self), deadline, peer_request{r.rank})
      .then(ask, fail);
  return promise;
}

caf::result<ping_reply> ping(pointer self, const ping_request& r) {
  auto& st = self->state;
  if (r.rank != st.setup.rank)
    return ping_far(self, r);
  ping_reply reply{r.rank, r.pad, std::to_string(r.rank)};
  if (r.service == "broker")
    return reply;
  auto it = st.named.find(r.service);
  if (it == st.named.end()) {
    std::string known = "broker";
    for (auto& [name, handle] : st.named)
      known += ", " + name;
    return make_error(ec::unknown_method, fmt::format("service \"{}\" is not on rank {}; it has {}",
                                                      r.service, r.rank, known));
  }
  // From here on the promise answers: what is returned beside a promise is not sent.
  auto promise = self->make_response_promise<ping_reply>();
  self->request(caf::actor_cast<status_actor>(it->second), deadline, stats_atom_v)
    .then([promise, reply](const stats_reply&) mutable { promise.deliver(reply); },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

void on_tick(pointer self) {
  auto& st = self->state;
  st.ticking = false;
  auto now = steady_ns();
  std::set<rank_t> sought;
  for (auto it = st.waiting.begin(); it != st.waiting.end();) {
    if (it->second.give_up_ns > now) {
      sought.insert(it->first);
      ++it;
      continue;
    }
    it->second.promise.deliver(make_error(
      ec::timed_out, fmt::format("rank {} on {} did not answer within {} s", it->first,
                                 st.setup.hosts[it->first], limits::request_timeout_s)));
    it = st.waiting.erase(it);
  }
  if (st.setup.rank != 0 && !st.refusal) {
    auto parent = *tree_parent(st.setup.rank, st.setup.fanout);
    auto next = st.peers.count(parent) == 0 && st.lost.count(parent) == 0 ? parent : 0;
    if (st.peers.count(next) == 0)
      sought.insert(next);
  }
  for (auto rank : sought)
    if (rank < st.setup.rank)
      dial(self, rank);
  if (!st.wait_for_all.empty() && now > st.all_deadline_ns) {
    std::vector<std::string> missing;
    for (rank_t r = 1; r < st.setup.size; ++r)
      if (st.peers.count(r) == 0)
        missing.push_back(st.setup.hosts[r]);
    for (auto& p : std::exchange(st.wait_for_all, {}))
      p.deliver(make_error(ec::timed_out,
                           fmt::format("{} of {} brokers did not come up; missing: {}",
                                       missing.size(), st.setup.size, format_hostlist(missing))));
  }
  if (!sought.empty() || !st.wait_for_all.empty())
    tick_soon(self);
}

caf::error refuse_version(broker_state& st, const rank_services& who) {
  auto why = fmt::format("it speaks protocol version {}, and rank {} speaks {}: all brokers of an "
                         "instance are of one version of hactor",
                         who.protocol, st.setup.rank, protocol_version);
  if (st.refused.insert(who.rank).second) // older ones ask again and again
    log_error("broker: rank {} is not taken: {}", who.rank, why);
  return make_error(ec::bad_argument, std::move(why));
}

std::vector<std::string> waits_of(const broker_state& st) {
  std::vector<std::string> lines;
  auto until = [](int64_t deadline_ns) {
    return fmt::format("gives up in {:.1f} s",
                       static_cast<double>(deadline_ns - steady_ns()) / 1e9);
  };
  idset lost, dialling;
  for (auto rank : st.lost)
    lost.add(rank);
  for (auto rank : st.dialling)
    dialling.add(rank);
  lines.push_back(fmt::format("{} of {} peers are known{}{}", st.peers.size(), st.setup.size - 1,
                              lost.empty() ? "" : ", lost: " + lost.to_string(),
                              dialling.empty() ? "" : ", dialling: " + dialling.to_string()));
  for (auto& [rank, w] : st.waiting)
    if (lines.size() < limits::wait_lines_max)
      lines.push_back(fmt::format("a request for rank {} on {}, which {}", rank,
                                  st.setup.hosts[rank], until(w.give_up_ns)));
  if (!st.wait_for_all.empty())
    lines.push_back("the start waits for all ranks, and " + until(st.all_deadline_ns));
  idset untold;
  for (auto rank : st.untold)
    untold.add(rank);
  if (!untold.empty())
    lines.push_back(fmt::format("the end waits for ranks {} to have heard of it",
                                untold.to_string()));
  return lines;
}

} // namespace

broker_actor::behavior_type broker_service(broker_state::pointer self, broker_setup setup) {
  self->state.setup = std::move(setup);
  self->set_down_handler([self](const caf::down_msg& down) {
    for (auto& [rank, s] : self->state.peers)
      if (s.broker.address() == down.source) {
        // Brokers end by a shutdown, which we hear of before; anything else is a loss.
        if (down.reason != caf::exit_reason::user_shutdown)
          on_lost(self, rank);
        else if (rank == 0)
          shut_down(self, shutdown_request{"the lead broker has ended"});
        else
          told(self, rank);
        return;
      }
  });
  return {
    [self](local_services& s) {
      auto& st = self->state;
      st.own = std::move(s.services);
      st.named.insert(s.named.begin(), s.named.end());
      if (st.setup.rank != 0)
        dial(self, *tree_parent(st.setup.rank, st.setup.fanout));
    },
    [self](const hello_request& r) -> caf::result<hello_reply> {
      auto& st = self->state;
      if (r.services.protocol != protocol_version)
        return refuse_version(st, r.services);
      add_peer(self, r.services);
      return hello_reply{st.own};
    },
    [self](const dial_request& d) { take_dial(self, d); },
    [self](const peer_request& r) { return find_peer(self, r.rank); },
    [self](const rank_lost& l) { on_lost(self, l.rank); },
    [self](const ping_request& r) { return ping(self, r); },
    [self](ready_atom) -> caf::result<done> {
      auto& st = self->state;
      if (st.peers.size() + 1 >= st.setup.size)
        return done{};
      auto promise = self->make_response_promise<done>();
      st.all_deadline_ns = steady_ns() + peer_wait_ns;
      st.wait_for_all.push_back(promise);
      tick_soon(self);
      return promise;
    },
    [self](const shutdown_request& r) -> caf::result<done> {
      shut_down(self, r);
      auto& st = self->state;
      if (st.untold.empty())
        return done{};
      auto promise = self->make_response_promise<done>();
      st.wait_until_told.push_back(promise);
      return promise;
    },
    [self](caf::tick_atom) { on_tick(self); },
    [self](stats_atom) {
      return stats_reply{{{"peers", static_cast<int64_t>(self->state.peers.size())},
                          {"lost", static_cast<int64_t>(self->state.lost.size())}}};
    },
    [self](waits_atom) { return waits_reply{waits_of(self->state)}; },
  };
}

} // namespace hactor
