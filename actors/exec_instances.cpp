// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/exec_instances.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actors/exec.hpp"
#include "actors/owned_fd.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);
/// For execs on other ranks, which may be lost: well before whoever asked us gives up.
constexpr auto peer_deadline = std::chrono::seconds(2);

bool has_ended(int64_t pid) {
  if (pid <= 0)
    return false;
  owned_fd fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!fd)
    return errno == ESRCH;
  pollfd p{fd.get(), POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

caf::error not_here(job_id job) {
  return make_error(ec::wrong_state,
                    fmt::format("job {}: its first task does not run here (any more); an instance "
                                "over its grant is started by that task",
                                to_string(job)));
}

caf::error no_instance(job_id job) {
  return make_error(ec::no_instance,
                    fmt::format("job {} has no instance; it has ended, or its script has not "
                                "started one",
                                to_string(job)));
}

} // namespace

caf::result<instance_reply> exec_instances::begin(const instance_request& r) {
  if (!exec_.core.leads(r.job))
    return not_here(r.job);
  if (exec_.core.gave_back(r.job))
    return make_error(
        ec::wrong_state,
        fmt::format("job {} ends, and some of its nodes have been given back", to_string(r.job)));
  auto promise = exec_.self->make_response_promise<instance_reply>();
  consider(r, promise);
  return promise;
}

/// A rank that has not launched the job yet may take the instance for one of an attempt before, of
/// which it was told that it has ended.
void exec_instances::consider(const instance_request& r, reply_promise promise) {
  auto before = all_.find(r.job);
  // The news that its script has ended may still be on the way to it.
  if (before != all_.end() && has_ended(before->second.owner))
    end(r.job, "its script has ended");
  if (before != all_.end() && !before->second.ending)
    promise.deliver(make_error(ec::wrong_state,
                               fmt::format("job {} has an instance already; one job can have one "
                                           "at a time",
                                           to_string(r.job))));
  else if (before != all_.end() || !exec_.core.started(r.job))
    begins_.emplace(r.job, waiting_begin{r, promise});
  else
    make(r, promise);
}

void exec_instances::on_started(job_id job) {
  std::vector<waiting_begin> waiting;
  for (auto [it, last] = begins_.equal_range(job); it != last; it = begins_.erase(it))
    waiting.push_back(std::move(it->second));
  for (auto& [request, promise] : waiting)
    consider(request, promise);
}

void exec_instances::make(instance_request r, reply_promise promise) {
  auto own = exec_.memory_limits.find(r.job);
  if (auto origin = exec_.origins.find(r.job); origin != exec_.origins.end())
    r.memory = add_memory_limit(*origin->second,
                                own == exec_.memory_limits.end() ? 0 : own->second);
  auto handle = exec_.self->spawn(instance_service, context_, exec_.broker,
                                  exec_actor{exec_.self}, r);
  all_.emplace(r.job, entry{handle, r.owner, false, false, {}, {}});
  exec_.self->request(handle, deadline, ready_atom_v)
    .then([this, job = r.job, promise](instance_reply& reply) mutable {
            if (auto it = all_.find(job); it != all_.end())
              it->second.serves = true;
            tell_manager(job, reply);
            promise.deliver(std::move(reply));
          },
          [this, handle, job = r.job, promise](caf::error& e) mutable {
            exec_.self->send_exit(handle, caf::exit_reason::user_shutdown);
            promise.deliver(std::move(e));
            on_over(job);
          });
}

/// Whoever runs the job may have something for its instance to do.
void exec_instances::tell_manager(job_id job, const instance_reply& about) {
  if (auto origin = exec_.origins.find(job); origin != exec_.origins.end())
    exec_.self->send(caf::actor_cast<job_manager_actor>(origin->second->manager),
                     instance_opened{job, about.lead.scheduler, about.lead.resource});
}

void exec_instances::take_back_uri(job_id job) {
  auto origin = exec_.origins.find(job);
  if (origin == exec_.origins.end())
    return;
  memo_request m;
  m.userid = ::getuid();
  m.jobs.ids.push_back(job);
  m.memo = R"({"uri":null})";
  exec_.self
    ->request(caf::actor_cast<job_manager_actor>(origin->second->manager), deadline, std::move(m))
    .then([](const count_reply&) {}, [](const caf::error&) {}); // the job has ended since
}

caf::result<instance_reply> exec_instances::enter(job_id job) {
  auto it = all_.find(job);
  if (it == all_.end() || it->second.ending)
    return no_instance(job);
  return exec_.self->delegate(it->second.handle, ready_atom_v);
}

caf::result<resize_reply> exec_instances::grow(const instance_grow& r) {
  if (!r.nodes.empty())
    inner.on_launch(r.job, r.attempt); // no task of it comes to nodes that it got later
  auto it = all_.find(r.job);
  if (it == all_.end() && !exec_.core.runs(r.job))
    exec_.confine_grown(r);
  if (it == all_.end() || it->second.ending)
    return no_instance(r.job);
  if (r.nodes.empty() || exec_.confined.count(r.job) == 0)
    return exec_.self->delegate(it->second.handle, r);
  return grow_confined(it->second, r);
}

/// Jobs of the instance are to stay on what it has of the new nodes, as they do on the others: the
/// execs there hear of that before the instance may place anything there.
caf::result<resize_reply> exec_instances::grow_confined(entry& e, const instance_grow& r) {
  auto promise = exec_.self->make_response_promise<resize_reply>();
  auto due = std::make_shared<size_t>(1);
  auto one = [this, handle = e.handle, r, promise, due]() mutable {
    if (--*due > 0)
      return;
    exec_.self->request(handle, deadline, r)
        .then([promise](resize_reply& x) mutable { promise.deliver(std::move(x)); },
              [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  };
  for (auto node : r.nodes) {
    e.grown.insert(node);
    ++*due;
    exec_.with_exec(
        node,
        [this, r, one](const exec_actor& exec) mutable {
          exec_.self->request(exec, peer_deadline, r)
              .then([one](const resize_reply&) mutable { one(); },
                    [one](const caf::error&) mutable { one(); });
        },
        [one](const caf::error&) mutable { one(); }); // it is lost, and so is the node
  }
  one();
  return promise;
}

/// Nothing runs there any more that is to be kept within what the job had.
void exec_instances::forget_grown(job_id job, const std::set<rank_t>& nodes) {
  for (auto node : nodes)
    exec_.with_exec(
        node,
        [this, job, node](const exec_actor& exec) {
          exec_.self->request(exec, peer_deadline, instance_grow{job, {}, {node}, 0})
              .then([](const resize_reply&) {}, [](const caf::error&) {});
        },
        [](const caf::error&) {});
}

/// Tasks of the job that wait where it has no node any more have waited long enough.
caf::result<instance_shrunk> exec_instances::shrink(const instance_shrink& r) {
  auto it = all_.find(r.job);
  if (it == all_.end() || it->second.ending)
    return no_instance(r.job);
  auto promise = exec_.self->make_response_promise<instance_shrunk>();
  shrinking_[r.job] = promise;
  exec_.self->request(it->second.handle, caf::infinite, r)
    .then(
      [this, job = r.job](instance_shrunk& x) {
        std::erase_if(waiters_[job], [&x](waiter& w) {
          if (!x.brokers.contains(w.first))
            return false;
          w.second.deliver(done{});
          return true;
        });
        if (auto asked = shrinking_.extract(job); !asked.empty())
          asked.mapped().deliver(std::move(x));
      },
      [this, job = r.job](caf::error& e) {
        if (auto asked = shrinking_.extract(job); !asked.empty())
          asked.mapped().deliver(std::move(e));
      });
  return promise;
}

caf::result<done> exec_instances::wait(const instance_wait& r) {
  auto job = r.job;
  if (!exec_.core.runs(job))
    return not_here(job);
  if (had_one_.count(job) != 0 && all_.count(job) == 0)
    return done{};
  auto promise = exec_.self->make_response_promise<done>();
  waiters_[job].emplace_back(r.broker, promise);
  return promise;
}

void exec_instances::end(job_id job, const std::string& reason) {
  auto it = all_.find(job);
  if (it == all_.end() || std::exchange(it->second.ending, true))
    return;
  exec_.self->send(it->second.handle, instance_end{reason});
}

void exec_instances::warn(const signal_item& item) {
  if (auto& e = all_.at(item.id); !e.ending)
    exec_.self->send(e.handle, instance_warning{item.signal});
}

void exec_instances::on_over(job_id job) {
  auto it = all_.find(job);
  if (it == all_.end())
    return;
  auto held = std::move(it->second.held);
  if (it->second.serves && !held)
    take_back_uri(job);
  forget_grown(job, it->second.grown);
  all_.erase(it);
  had_one_.insert(job);
  if (auto asked = shrinking_.extract(job); !asked.empty())
    asked.mapped().deliver(no_instance(job));
  exec_.core.on_instance_over(steady_ns(), job);
  exec_.end_turn();
  if (held) {
    exec_.core.on_shell_report(steady_ns(), *held, exec_);
    exec_.end_turn();
  } else if (auto next = begins_.find(job); next != begins_.end()) {
    auto [request, promise] = std::move(next->second);
    begins_.erase(next);
    make(request, promise);
    return;
  }
  if (auto waiting = waiters_.extract(job); !waiting.empty())
    for (auto& [broker, promise] : waiting.mapped())
      promise.deliver(done{});
}

bool exec_instances::hold(const job_report& r) {
  if (!r.ended)
    return false;
  if (auto [first, last] = begins_.equal_range(r.id); first != last) {
    for (auto it = first; it != last; ++it)
      it->second.second.deliver(not_here(r.id));
    begins_.erase(first, last);
  }
  auto it = all_.find(r.id);
  if (it == all_.end())
    return false;
  it->second.held = r;
  end(r.id, "the tasks of its job have ended");
  return true;
}

void exec_instances::on_rank_lost(rank_t rank) {
  for (auto& [job, e] : all_)
    exec_.self->send(e.handle, rank_lost{rank});
}

void exec_instances::stop() {
  for (auto& [job, e] : all_)
    exec_.self->send_exit(e.handle, caf::exit_reason::user_shutdown);
  all_.clear();
}

void exec_instances::on_job_gone(job_id job) {
  auto ready = inner.on_gone(job);
  had_one_.erase(job);
  for (auto& around : ready)
    exec_.core.settle(steady_ns(), around.job, around.attempt, around.lost, exec_);
  if (auto waiting = waiters_.extract(job); !waiting.empty())
    for (auto& [broker, promise] : waiting.mapped())
      promise.deliver(done{});
}

} // namespace hactor
