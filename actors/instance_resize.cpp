// See the header. Nodes that come get the ranks after the last one that was ever given. Nodes that
// go are drained first; when nothing runs there any more they are taken from the inventory, and
// their ranks stay unused.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/instance_resize.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/instance_grant.hpp"
#include "actors/job_state.hpp"
#include "actors/rank_map.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);
/// For connectors on other ranks, which may be lost: well before whoever asked us gives up.
constexpr auto watcher_deadline = std::chrono::seconds(2);

/// Tells all who count nodes, the job manager before the scheduler may place anything there; then
/// calls `then`.
void tell_nodes(instance_state& st, const nodes_changed& c, std::function<void()> then) {
  auto others = [&st, c, then] {
    auto due = std::make_shared<size_t>(1 + st.watchers.size());
    auto one = [due, then] {
      if (--*due == 0)
        then();
    };
    st.self->request(st.resource, deadline, c)
        .then([one](done) { one(); }, [one](const caf::error&) { one(); });
    for (auto& w : st.watchers)
      st.self->request(caf::actor_cast<connector_actor>(w), watcher_deadline, c)
          .then([one](done) { one(); },
                [one](const caf::error&) { one(); }); // its rank is lost, and its clients with it
  };
  st.self->request(st.job_manager, deadline, c)
      .then([others](done) { others(); }, [others](const caf::error&) { others(); });
}

/// Why its nodes stay as they are; none when they need not.
caf::error fixed(const instance_state& st) {
  if (st.ending || !st.job_manager)
    return make_error(ec::no_instance, "instance " + st.about.path + " ends");
  if (st.distributes)
    return make_error(ec::wrong_state,
                      "instance " + st.about.path
                        + " has given its nodes to children (sched.policy=hierarchy); it cannot "
                          "grow or shrink");
  return caf::none;
}

} // namespace

namespace {

/// It ends at another time than it did; its nodes stay.
caf::result<resize_reply> move_end(instance_state& st, double expiration) {
  if (st.ending || !st.job_manager)
    return resize_reply{};
  nodes_changed c;
  c.nodes = st.about.nodes;
  c.added.expiration = expiration;
  auto promise = st.self->make_response_promise<resize_reply>();
  tell_nodes(st, c, [promise]() mutable { promise.deliver(resize_reply{}); });
  return promise;
}

} // namespace

caf::result<resize_reply> grow_instance(instance_state& st, const instance_grow& r) {
  if (r.nodes.empty())
    return move_end(st, r.resources.expiration);
  if (auto e = fixed(st))
    return e;
  if (auto e = check_cores(r.resources, r.job))
    return e;
  auto first = static_cast<rank_t>(st.about.nodes.size());
  std::vector<rank_t> order;
  for (auto& node : r.resources.nodes)
    order.push_back(node.rank);
  nodes_changed c;
  c.added = as_instance(r.resources, order);
  for (auto& node : c.added.nodes)
    node.rank += first;
  for (auto& [name, ranks] : c.added.properties) {
    idset moved;
    for (auto rank : ranks.expand())
      moved.add(first + rank);
    ranks = std::move(moved);
  }
  st.about.nodes.insert(st.about.nodes.end(), r.nodes.begin(), r.nodes.end());
  c.nodes = st.about.nodes;
  auto promise = st.self->make_response_promise<resize_reply>();
  tell_nodes(st, c, [promise, ranks = c.added.ranks()]() mutable {
    promise.deliver(resize_reply{ranks});
  });
  return promise;
}

namespace {

/// Nodes that are being given back.
struct leaving {
  instance_state& st;
  instance_shrink r;
  caf::typed_response_promise<instance_shrunk> promise;
  idset ranks;   // that go
  idset drained; // of them, by us

  void fail(const caf::error& e) {
    if (!drained.empty())
      st.self->request(st.resource, deadline, drain_request{drained, {}, false, false, {}})
          .then([](done) {}, [](const caf::error&) {});
    promise.deliver(e);
  }
};
using leaving_ptr = std::shared_ptr<leaving>;

/// Which ranks go: those that were named, or the last idle ones, then the last busy ones.
caf::expected<idset> choose(const instance_shrink& r, const resource_reply& now) {
  auto all = now.all.ranks();
  auto unknown = r.ranks;
  unknown.remove_all(all);
  if (!unknown.empty())
    return make_error(ec::bad_argument, fmt::format("the instance has no ranks {}; it has {}",
                                                    unknown.to_string(), all.to_string()));
  if (r.ranks.contains(0))
    return make_error(ec::bad_argument, "rank 0 leads the instance: it cannot be given back");
  if (!r.ranks.empty())
    return r.ranks;
  auto busy = now.allocated.ranks();
  auto list = all.expand();
  std::erase(list, 0u);
  if (list.empty())
    return make_error(ec::bad_argument,
                      "the instance has one node only, which leads it: it cannot be given back");
  if (r.nodes == 0 || r.nodes > list.size())
    return make_error(
        ec::bad_argument,
        fmt::format("{} nodes: the instance can give back 1 to {}; its first it keeps", r.nodes,
                    list.size()));
  std::stable_sort(list.begin(), list.end(), [&](auto a, auto b) {
    return busy.contains(a) != busy.contains(b) ? busy.contains(b) : a > b;
  });
  idset chosen;
  for (uint32_t i = 0; i < r.nodes; ++i)
    chosen.add(list[i]);
  return chosen;
}

/// Nothing runs there, and nothing will.
void remove(const leaving_ptr& l) {
  auto& st = l->st;
  nodes_changed c;
  c.removed = l->ranks;
  instance_shrunk gone;
  gone.ranks = l->ranks;
  for (auto rank : l->ranks.expand()) {
    gone.nodes.push_back(st.about.nodes.at(rank));
    st.about.nodes[rank] |= rank_map::given_back;
  }
  for (auto node : gone.nodes) {
    auto broker = node % st.context->brokers;
    if (std::none_of(st.about.nodes.begin(), st.about.nodes.end(), [&](rank_t other) {
          return (other & rank_map::given_back) == 0 && other % st.context->brokers == broker;
        }))
      gone.brokers.add(broker);
  }
  c.nodes = st.about.nodes;
  tell_nodes(st, c, [l, gone] { l->promise.deliver(gone); });
}

void wait_until_vacant(const leaving_ptr& l) {
  l->st.self->request(l->st.scheduler, caf::infinite, vacate_request{l->ranks})
      .then([l](done) { remove(l); }, [l](const caf::error& e) { l->fail(e); });
}

/// What is in the way on ranks that are to go.
struct in_the_way {
  raise_request jobs;
  std::vector<int64_t> claims; // what programs hold (scheduler_core.hpp)
  std::string names;

  void name(const std::string& what) { names += (names.empty() ? "" : ", ") + what; }
};

/// They are cancelled, or named.
void clear(const leaving_ptr& l, const idset& busy, in_the_way x) {
  if (!l->r.force)
    return l->fail(make_error(
        ec::busy, fmt::format("{} on ranks {}{}{}; --wait waits for their ends, --force cancels "
                              "them",
                              x.claims.empty()          ? "jobs run"
                              : x.jobs.jobs.ids.empty() ? "programs hold claims"
                                                        : "jobs run and programs hold claims",
                              busy.to_string(), x.names.empty() ? "" : ": ", x.names)));
  wait_until_vacant(l);
  for (auto number : x.claims) {
    claim_request end;
    end.verb = claim_verb::cancel;
    end.number = number;
    l->st.self->request(l->st.scheduler, deadline, std::move(end))
        .then([](const claim_reply&) {}, [](const caf::error&) {}); // it has ended since
  }
  if (x.jobs.jobs.ids.empty())
    return;
  x.jobs.type = "cancel";
  x.jobs.note = "its node is given back";
  l->st.self->request(l->st.job_manager, deadline, std::move(x.jobs))
      .then([](const count_reply&) {}, [](const caf::error&) {}); // they have ended by then
}

void add_claims(const leaving_ptr& l, const idset& busy, in_the_way x) {
  claim_request list;
  list.verb = claim_verb::list;
  l->st.self->request(l->st.scheduler, deadline, std::move(list))
      .then(
          [l, busy, x](const claim_reply& claims) mutable {
            for (auto& c : claims.claims)
              if (auto r = parse_rset(c.r); r && r->ranks().intersects(l->ranks)) {
                x.claims.push_back(static_cast<int64_t>(c.number));
                x.name(fmt::format("claim {}", c.number));
              }
            clear(l, busy, std::move(x));
          },
          [l, busy, x](const caf::error&) { clear(l, busy, x); }); // without a scheduler: none
}

/// The jobs of these ranks are in the way, or what programs hold there.
void deal_with_jobs(const leaving_ptr& l, const idset& busy) {
  list_request on;
  on.states = static_cast<uint32_t>(job_state::run) | static_cast<uint32_t>(job_state::cleanup);
  on.ranks = busy;
  l->st.self->request(l->st.job_manager, deadline, on)
      .then(
          [l, busy](const list_reply& x) {
            in_the_way found;
            for (auto& job : x.jobs) {
              found.jobs.jobs.ids.push_back(job.id);
              found.name(to_string(job.id));
            }
            add_claims(l, busy, std::move(found));
          },
          [l](const caf::error& e) { l->fail(e); });
}

/// From now on nothing new is placed there; what is there, is looked at.
void drain(const leaving_ptr& l) {
  drain_request d{l->ranks, {}, true, true, "is given back"};
  l->st.self->request(l->st.resource, deadline, std::move(d))
      .then(
          [l](done) {
            l->st.self->request(l->st.resource, deadline, usage_atom_v)
                .then(
                    [l](const resource_reply& now) {
                      auto busy = l->ranks.intersect(now.allocated.ranks());
                      if (busy.empty())
                        return remove(l);
                      if (l->r.wait)
                        return wait_until_vacant(l);
                      deal_with_jobs(l, busy);
                    },
                    [l](const caf::error& e) { l->fail(e); });
          },
          [l](const caf::error& e) { l->fail(e); });
}

} // namespace

caf::result<instance_shrunk> shrink_instance(instance_state& st, const instance_shrink& r) {
  if (auto e = fixed(st))
    return e;
  auto promise = st.self->make_response_promise<instance_shrunk>();
  auto l = std::make_shared<leaving>(leaving{st, r, promise, {}, {}});
  st.self->request(st.resource, deadline, usage_atom_v)
      .then(
          [l](const resource_reply& now) {
            auto ranks = choose(l->r, now);
            if (!ranks)
              return l->fail(ranks.error());
            l->ranks = l->drained = *ranks;
            for (auto& d : now.drained)
              l->drained.remove(d.rank);
            drain(l);
          },
          [l](const caf::error& e) { l->fail(e); });
  return promise;
}

} // namespace hactor
