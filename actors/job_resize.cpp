// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_resize.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "actors/own_brokers.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);
/// For brokers that may be lost: well before whoever asked us gives up.
constexpr auto broker_deadline = std::chrono::seconds(2);

using reply_promise = caf::typed_response_promise<resize_reply>;

/// One job that is being changed.
struct resize_call {
  job_manager_state& st;
  resize_request r;
  reply_promise promise;
  uint32_t attempt = 1; // of the job, in which it was asked
  bool answered = false;

  /// The attempt is over, and with it all that it had; the next one is not meant.
  bool is_over() const {
    auto s = st.core.summary(r.id);
    return !s || s->state != job_state::run || s->attempts != attempt;
  }
  void end(caf::expected<resize_reply> result) {
    if (std::exchange(answered, true))
      return; // since then another may have been asked of the job
    st.resizing.erase(r.id);
    if (result)
      promise.deliver(std::move(*result));
    else
      promise.deliver(std::move(result.error()));
  }
};
using call_ptr = std::shared_ptr<resize_call>;

/// Calls `use` with the exec that leads the job and knows its instance.
void with_leader(const call_ptr& call, std::function<void(const exec_actor&)> use) {
  auto& st = call->st;
  auto whole = st.core.whole(call->r.id);
  if (!whole || whole->ranks.empty() || call->is_over())
    return call->end(make_error(ec::wrong_state, to_string(call->r.id) + ": the job has ended"));
  st.with_exec(
      st.peers.where.broker(whole->ranks.front()),
      [use](const caf::actor& exec) { use(caf::actor_cast<exec_actor>(exec)); },
      [call](const caf::error& e) { call->end(e); });
}

/// What to say where the exec that leads the job knows of no instance: it may be another's work.
caf::error of_its_instance(const resize_call& call, const caf::error& e) {
  auto s = call.st.core.summary(call.r.id);
  if (code_of(e) != ec::no_instance || !s || !has_own_brokers(*s))
    return e;
  return make_error(ec::wrong_state, to_string(call.r.id)
                                         + ": its instance has brokers of its own (--boot=mpi); "
                                           "the nodes of such a one are fixed");
}

/// The nodes of the job that are these ones for the brokers.
idset own_ranks(const job_manager_state& st, job_id id, const std::vector<rank_t>& nodes) {
  idset result;
  if (auto whole = st.core.whole(id))
    for (auto rank : whole->ranks)
      if (std::find(nodes.begin(), nodes.end(), st.peers.where.node(rank)) != nodes.end())
        result.add(rank);
  return result;
}

// -- more -----------------------------------------------------------------------------------------

/// The job has the nodes; its instance is told. If there is none any more they go back; whether an
/// instance that has not answered uses them is not known, and they are the job's until it ends.
void tell_leader(const call_ptr& call, const instance_grow& g) {
  with_leader(call, [call, g, part = g.resources](const exec_actor& exec) {
    call->st.self->request(exec, deadline, g)
        .then([call](resize_reply& x) { call->end(std::move(x)); },
              [call, part](const caf::error& e) {
                auto unused = code_of(e) == ec::no_instance || code_of(e) == ec::wrong_state;
                if (unused && !call->is_over()) {
                  call->st.core.shrink(wall_ns(), call->r.id, part.ranks(), call->st);
                  call->st.end_turn();
                }
                call->end(e);
              });
  });
}

/// The execs of the new nodes hear of it first: one may have ended an attempt before there. What
/// the instance may use there the exec that leads the job tells them, if it is not all.
void tell_grown(const call_ptr& call, const rset& part) {
  auto& st = call->st;
  auto whole = st.core.whole(call->r.id);
  if (!whole || whole->ranks.empty())
    return call->end(make_error(ec::wrong_state, to_string(call->r.id) + ": the job has ended"));
  instance_grow g{call->r.id, part, {}, call->attempt};
  std::set<rank_t> brokers;
  for (auto& node : part.nodes) {
    g.nodes.push_back(st.peers.where.node(node.rank));
    brokers.insert(st.peers.where.broker(node.rank));
  }
  brokers.erase(st.peers.where.broker(whole->ranks.front()));
  auto heard = g;
  heard.resources = {};
  auto due = std::make_shared<size_t>(1 + brokers.size());
  auto one = [call, g, due] {
    if (--*due == 0)
      tell_leader(call, g);
  };
  for (auto broker : brokers)
    st.with_exec(
        broker,
        [&st, heard, one](const caf::actor& exec) {
          st.self->request(caf::actor_cast<exec_actor>(exec), broker_deadline, heard)
              .then([one](const resize_reply&) { one(); }, [one](const caf::error&) { one(); });
        },
        [one](const caf::error&) { one(); }); // it is lost, and so is the job's node there
  one();
}

/// Who does not want to wait is told why there is no room. The scheduler answers the first question
/// when it has heard of the wish, the second after a pass; a grant of that comes before the answer.
void refuse_unless_granted(const call_ptr& call, job_id growth, bool after_pass) {
  auto& st = call->st;
  st.self->request(st.peers.scheduler, deadline, explain_request{{growth}})
      .then(
          [call, growth, after_pass](const explain_reply& x) {
            if (!call->st.core.is_growing(growth))
              return;
            if (!after_pass)
              return refuse_unless_granted(call, growth, true);
            auto why = x.reasons.empty() ? "" : x.reasons.front().sentence;
            call->st.core.stop_growing(growth, why, call->st);
            call->st.end_turn();
          },
          [call, growth](const caf::error& e) {
            call->st.core.stop_growing(growth, render(e), call->st);
            call->st.end_turn();
          });
}

caf::error nobody_waits(job_id id) {
  return make_error(ec::wrong_state, to_string(id) + ": whoever wanted it to grow has gone");
}

/// What was granted already stays, and what another has asked for since.
void withdraw_growth(job_manager_state& st, const resize_request& r) {
  auto job = st.resizing.find(r.id);
  if (job == st.resizing.end() || job->second.wish != r.wish)
    return;
  if (auto growth = st.core.growth_of(r.id)) {
    st.core.stop_growing(*growth, context_of(nobody_waits(r.id)), st);
    st.end_turn();
  } else {
    job->second.unwanted = true; // it has not been asked for so far
  }
}

/// What the scheduler says of the wish, without the constraint that keeps it from nodes which the
/// job has: their ranks are those of another instance than the one that asks.
std::string reason_in_words(std::string why, const idset& has) {
  constexpr std::string_view never = "unsatisfiable: ", both = "{\"and\":[";
  constexpr auto others = " beside those that it has";
  if (why.starts_with(never))
    why.erase(0, never.size());
  auto mark = fmt::format("{{\"not\":[{{\"ranks\":[\"{}\"]}}]}}", has.to_string());
  auto replace = [&why](std::string_view what, std::string_view by) {
    auto at = why.find(what);
    if (at != why.npos)
      why.replace(at, what.size(), by);
    return at != why.npos;
  };
  if (replace(fmt::format(",{}]}}", mark), others))
    replace(both, "");
  else
    replace(fmt::format(" with {}", mark), others);
  return why;
}

void grow_job(const call_ptr& call) {
  auto& st = call->st;
  if (auto job = st.resizing.find(call->r.id); job != st.resizing.end() && job->second.unwanted)
    return call->end(nobody_waits(call->r.id));
  idset has;
  if (auto whole = st.core.whole(call->r.id))
    for (auto rank : whole->ranks)
      has.add(rank);
  auto growth = st.core.grow(wall_ns(), call->r.id, call->r.nodes, st);
  if (!growth)
    return call->end(std::move(growth.error()));
  st.growing[*growth] = [call, has](const rset& part, const std::string& why) {
    if (!part.nodes.empty())
      return tell_grown(call, part);
    auto never = why.starts_with("unsatisfiable");
    auto nested = !call->st.peers.instance.empty(); // and may get more itself
    call->end(make_error(
        never && !nested ? ec::unsatisfiable : ec::busy,
        fmt::format("{} cannot grow by {}: {}{}", to_string(call->r.id),
                    call->r.nodes == 1 ? "a node" : fmt::format("{} nodes", call->r.nodes),
                    reason_in_words(why, has),
                    never && nested ? "; the instance around it may grow first" : "")));
  };
  st.end_turn();
  if (!call->r.wait)
    refuse_unless_granted(call, *growth, false);
}

// -- fewer ----------------------------------------------------------------------------------------

void shrink_job(const call_ptr& call, const exec_actor& exec) {
  auto& r = call->r;
  // As long as the jobs there take to end.
  call->st.self
      ->request(exec, caf::infinite, instance_shrink{r.id, r.nodes, r.ranks, r.wait, r.force})
      .then(
          [call](instance_shrunk& x) {
            if (call->is_over())
              return call->end(
                make_error(ec::wrong_state, to_string(call->r.id) + ": the job has ended"));
            auto& st = call->st;
            st.core.shrink(wall_ns(), call->r.id, own_ranks(st, call->r.id, x.nodes), st);
            st.when_durable([call, ranks = x.ranks] { call->end(resize_reply{ranks}); });
            st.end_turn();
          },
          [call](const caf::error& e) { call->end(of_its_instance(*call, e)); });
}

} // namespace

void job_manager_state::grown(job_id growth, const rset& part, const std::string& why) {
  auto it = growing.extract(growth);
  if (!it.empty())
    gathering.after.push_back([then = std::move(it.mapped()), part, why] { then(part, why); });
}

caf::result<resize_reply> resize_job(job_manager_state& st, const resize_request& r) {
  auto summary = st.core.summary(r.id);
  if (!summary)
    return std::move(summary.error());
  if (r.grow && r.nodes == 0) {
    withdraw_growth(st, r);
    return resize_reply{};
  }
  if (summary->state != job_state::run)
    return make_error(ec::wrong_state,
                      fmt::format("{}: the job is {}; only a running job can grow or shrink",
                                  to_string(r.id), name_of(summary->state)));
  if (st.peers.distributes)
    return make_error(ec::wrong_state,
                      to_string(r.id) + ": this instance gives its jobs to children "
                                        "(sched.policy=hierarchy); what a job has stays as it is");
  if (st.resizing.count(r.id) != 0)
    return make_error(ec::wrong_state,
                      fmt::format("{}: the job is being changed already", to_string(r.id)));
  auto promise = st.self->make_response_promise<resize_reply>();
  auto call = std::make_shared<resize_call>(resize_call{st, r, promise, summary->attempts});
  st.resizing[r.id] = {r.wish, false, [call](const caf::error& e) { call->end(e); }};
  with_leader(call, [call](const exec_actor& exec) {
    if (!call->r.grow)
      return shrink_job(call, exec);
    call->st.self->request(exec, deadline, enter_request{call->r.id})
        .then([call](const instance_reply&) { grow_job(call); },
              [call](const caf::error& e) { call->end(of_its_instance(*call, e)); });
  });
  return promise;
}

} // namespace hactor
