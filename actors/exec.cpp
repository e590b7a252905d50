// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/exec.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>

#include <fmt/format.h>

#include "actors/binding.hpp"
#include "actors/command_sink.hpp"
#include "actors/job_waits.hpp"
#include "runtime/clock.hpp"
#include "runtime/here.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

/// Jobs of one report: the job manager, which has much to do for each, must come to other things.
constexpr size_t report_jobs_max = 128;

} // namespace

// -- what the core causes -------------------------------------------------------------------------

void exec_state::start_shell(const launch_order& order, const std::vector<uint32_t>& entries) {
  ++launched;
  auto& own = shells[order.item.id];
  own = self->spawn(shell, context, exec_actor{self}, order, entries);
  for (auto& request : early.take(order.item.id))
    self->send(own, request);
}

void exec_state::signal_shell(const signal_item& item) {
  if (auto it = shells.find(item.id); it != shells.end())
    self->send(it->second,
               shell_signal{item.signal, item.terminate, item.whom == signal_for::script});
}

void exec_state::note(job_id id, const std::string& text) {
  if (auto it = shells.find(id); it != shells.end())
    self->send(it->second, shell_note{text});
}

void exec_state::forward_launch(rank_t to, const launch_order& order) {
  auto& m = mail[to].launches[order.origin];
  auto [it, added] = m.groups.try_emplace(order.plan.get(), m.request.groups.size());
  if (added)
    m.request.groups.push_back({order.plan->jobspec, order.plan->environment, {}});
  m.request.groups[it->second].items.push_back(order.item);
}

void exec_state::forward_signal(rank_t to, const signal_item& item) {
  mail[to].signals.items.push_back(item);
}

void exec_state::pass_up(rank_t parent, exchange_part&& part) {
  with_exec(
    parent, [this, part = std::move(part)](const exec_actor& peer) { self->send(peer, part); },
    [](const caf::error&) {}); // whoever lost the parent ends the job
}

void exec_state::pass_down(const exchange_whole& whole, bool to_shell,
                           const std::set<rank_t>& children) {
  for (auto child : children)
    with_exec(
      child, [this, whole](const exec_actor& peer) { self->send(peer, whole); },
      [this, id = whole.id, child](const caf::error& e) {
        core.on_unreachable(id, child, render(e), *this);
        end_turn();
      });
  if (auto it = shells.find(whole.id); to_shell && it != shells.end())
    self->send(it->second, whole);
}

void exec_state::settled(job_report&& r) {
  // A job whose subtree has ended is not reported in another way.
  if (!core.runs(r.id)) {
    forget(r.id);
  }
  auto asker = askers.find(r.id);
  if (asker == askers.end())
    return;
  manager_mails[asker->second].settled.jobs.push_back(std::move(r));
  askers.erase(asker);
}

void exec_state::report(bool at_root, rank_t parent, job_report&& r) {
  auto id = r.id;
  auto ended = r.ended;
  auto started = r.started;
  if (!at_root)
    mail[parent].reports.jobs.push_back(std::move(r));
  else if (auto origin = origins.find(id); origin != origins.end())
    manager_mails[origin->second->manager].reports.jobs.push_back(std::move(r));
  if (!ended) {
    if (at_root && started)
      instances.on_started(id);
    return;
  }
  forget(id);
}

/// Nothing of the job runs here any more.
void exec_state::forget(job_id id) {
  shells.erase(id);
  origins.erase(id);
  memory_limits.erase(id);
  confined.erase(id);
  instances.on_job_gone(id);
}

// -- turns ----------------------------------------------------------------------------------------

void exec_state::end_turn() {
  auto next = core.next_wake_ns();
  if (next != 0 && (armed_ns == 0 || next < armed_ns)) {
    armed_ns = next;
    self->delayed_send(self, std::chrono::nanoseconds(std::max<int64_t>(next - steady_ns(), 0)),
                       caf::tick_atom_v);
  }
  if (!flushing && (!manager_mails.empty() || !mail.empty())) {
    // What else is in the mailbox already may add to the same messages.
    flushing = true;
    self->send(self, caf::flush_atom_v);
  }
}

void exec_state::send_gathered() {
  flushing = false;
  auto managers = std::exchange(manager_mails, {});
  for (auto& [to, m] : managers) {
    auto manager = caf::actor_cast<job_manager_actor>(to);
    m.settled.rank = context->rank;
    auto& jobs = m.reports.jobs;
    for (size_t i = 0; i < jobs.size(); i += report_jobs_max) {
      auto begin = std::make_move_iterator(jobs.begin() + static_cast<ptrdiff_t>(i));
      auto n = static_cast<ptrdiff_t>(std::min(report_jobs_max, jobs.size() - i));
      self->send(manager, exec_report{context->rank, {begin, begin + n}});
    }
    if (!m.settled.jobs.empty())
      self->send(manager, std::move(m.settled));
  }
  auto all = std::exchange(mail, {});
  for (auto& [to, m] : all) {
    for (auto& [origin, launches] : m.launches) {
      launches.request.reply_to = origin->manager;
      launches.request.instance = origin->instance;
      launches.request.memory = origin->memory;
    }
    m.reports.rank = context->rank;
    auto shared = std::make_shared<peer_mail>(std::move(m));
    with_exec(
      to,
      [this, shared](const exec_actor& peer) {
        for (auto& [origin, launches] : shared->launches)
          self->send(peer, std::move(launches.request));
        if (!shared->signals.items.empty())
          self->send(peer, std::move(shared->signals));
        if (!shared->reports.jobs.empty())
          self->send(peer, std::move(shared->reports));
      },
      [this, shared, to = to](const caf::error& e) {
        for (auto& [origin, launches] : shared->launches)
          for (auto& group : launches.request.groups)
            for (auto& item : group.items)
              core.on_unreachable(item.id, to, render(e), *this);
        end_turn();
      });
  }
}

void exec_state::with_exec(rank_t rank, std::function<void(const exec_actor&)> use,
                           std::function<void(const caf::error&)> fail) {
  if (auto it = peers.find(rank); it != peers.end()) {
    use(it->second);
    return;
  }
  self->request(broker, deadline, peer_request{rank})
    .then(
      [this, rank, use](const rank_services& s) {
        auto exec = caf::actor_cast<exec_actor>(s.exec);
        peers[rank] = exec;
        use(exec);
      },
      [fail](const caf::error& e) { fail(e); });
}

uint64_t exec_state::cores_here(const launch_item& item) const {
  uint64_t cores = 0;
  for (auto& node : item.resources.nodes)
    if (node.rank == context->rank)
      cores += node.cores.size();
  return cores;
}

void exec_state::launch(launch_request& r) {
  auto now = steady_ns();
  if (!last_origin || last_origin->instance != r.instance || last_origin->manager != r.reply_to)
    last_origin = std::make_shared<job_origin>(
        job_origin{r.instance, r.reply_to, r.memory, cpus_within(r.instance)});
  for (auto& group : r.groups) {
    auto plan = plans.get(group.jobspec, group.environment);
    for (auto& item : group.items) {
      origins.try_emplace(item.id, last_origin);
      if (auto limit = plan ? (*plan)->memory.on(cores_here(item)) : 0; limit > 0)
        memory_limits.insert_or_assign(item.id, limit);
      if (plan)
        confine(**plan, item);
      instances.inner.on_launch(item.id, item.attempt);
      if (!plan)
        core.refuse(item, render(plan.error()), *this);
      else if (instances.inner.is_dead(r.instance))
        core.refuse(item, "the instance around it has ended", *this);
      else
        core.launch(now, {*plan, std::move(item), last_origin}, *this);
    }
  }
}

/// What holds for a job's tasks holds for the jobs of an instance over its grant: when they are
/// bound, or within a job whose tasks are, those may use what the job was granted here.
void exec_state::confine(const launch_plan& plan, const launch_item& item) {
  auto* here = context->place.machine.get();
  if (here == nullptr || (last_origin->cpus.empty() && !binds(plan.request.cpus, *here)))
    return;
  auto& nodes = item.resources.nodes;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].rank == context->rank)
      if (auto cpus = cpus_of_share(nodes[i], item.resources.host(i), here))
        confined.insert_or_assign(item.id, std::move(*cpus));
}

void exec_state::confine_grown(const instance_grow& r) {
  confined.erase(r.job);
  last_origin.reset(); // it says what held until now
  for (size_t i = 0; i < r.nodes.size() && i < r.resources.nodes.size(); ++i)
    if (r.nodes[i] == context->rank)
      if (auto cpus = cpus_of_share(r.resources.nodes[i], r.resources.host(i),
                                    context->place.machine.get()))
        confined.insert_or_assign(r.job, std::move(*cpus));
}

idset exec_state::cpus_within(const std::string& instance) const {
  auto id = parse_job_id(instance.substr(instance.rfind('/') + 1)); // npos + 1: all of it
  auto known = id ? confined.find(*id) : confined.end();
  return known == confined.end() ? idset{} : known->second;
}

/// What runs of an instance over the job's grant goes first: its own job manager may be lost.
void exec_state::settle(const settle_request& r) {
  for (size_t i = 0; i < r.ids.size(); ++i) {
    auto id = r.ids[i];
    auto attempt = i < r.attempts.size() ? r.attempts[i] : 1;
    askers[id] = r.reply_to;
    auto within = instances.inner.begin_settle(id, attempt, r.lost, origins);
    for (auto inner : within)
      core.settle(steady_ns(), inner, 0, r.lost, *this);
    if (within.empty())
      core.settle(steady_ns(), id, attempt, r.lost, *this);
  }
  end_turn();
}

void exec_state::signal(const signal_request& r) {
  for (auto item : r.items) {
    if (item.whom != signal_for::tasks && instances.has(item.id)) {
      // The job's other tasks only wait in `hactor start`.
      item.whom == signal_for::jobs ? instances.warn(item) : signal_shell(item);
      continue;
    }
    item.whom = signal_for::tasks;
    core.signal(steady_ns(), item, *this);
    if (item.terminate)
      instances.end(item.id, "its job is to end");
  }
  end_turn();
}

void exec_state::on_shell_report(const job_report& r) {
  if (!instances.hold(r))
    core.on_shell_report(steady_ns(), r, *this);
  end_turn();
}

// -- commands outside of jobs ---------------------------------------------------------------------

namespace {

/// The ranks of a command's tree below this one: the list's first is its root. Returns the lists of
/// the children.
std::vector<idset> split_ranks(const idset& below, uint32_t fanout) {
  std::vector<idset> parts(std::min<uint64_t>(fanout, below.size()));
  auto rest = below;
  for (size_t i = 0; i < parts.size(); ++i)
    parts[i] = rest.take_first((rest.size() + parts.size() - i - 1) / (parts.size() - i));
  return parts;
}

} // namespace

/// To the ranks below this one. One that cannot be reached is left out, with those below it, which
/// are sent it by another.
void exec_state::pass_command(command_request r) {
  r.ranks.remove(context->rank);
  for (auto& part : split_ranks(r.ranks, fanout)) {
    auto down = r;
    down.ranks = part;
    with_exec(
        part.first(), [this, down](const exec_actor& peer) { self->send(peer, down); },
        [this, down](const caf::error& e) {
          auto rest = down;
          rest.ranks.remove(down.ranks.first());
          refuse_command(down, down.ranks.first(), 1, render(e));
          pass_command(std::move(rest));
        });
  }
}

void exec_state::run_command(const command_request& r) {
  pass_command(r);
  auto key = std::make_pair(r.subscriber.address(), r.tag);
  if (!r.ranks.contains(context->rank) || !seen.add(key)
      || commands.count(key) != 0) // one that runs for very long
    return;
  if (r.job != job_id{}) {
    auto no_tasks = [r, rank = context->rank] {
      refuse_command(r, rank, 1, fmt::format("job {} has no tasks here", to_string(r.job)));
    };
    if (auto it = shells.find(r.job); it != shells.end())
      self->request(it->second, caf::infinite, r)
          .then([] {}, [no_tasks](const caf::error&) { no_tasks(); }); // it is just going
    else
      no_tasks();
    return;
  }
  auto sink = command_sink(
      r, context->rank, context->host, [me = exec_actor{self}, tag = r.tag, who = r.subscriber] {
        send_here(me, command_kill{tag, {}, who}); // no ranks: it has ended, forget it
      });
  auto token =
      context->tasks->start(command_of(r, context->rank, context->place.uri), command_pipes, sink);
  if (token)
    commands[key] = *token;
  else
    refuse_command(r, context->rank, 126, render(token.error()));
}

namespace {

/// As pass_command.
void pass_kill(exec_state::pointer self, command_kill k) {
  auto& st = self->state;
  k.ranks.remove(st.context->rank);
  for (auto& part : split_ranks(k.ranks, st.fanout)) {
    auto down = k;
    down.ranks = part;
    st.with_exec(
        part.first(), [self, down](const exec_actor& peer) { self->send(peer, down); },
        [self, down](const caf::error&) mutable {
          down.ranks.remove(down.ranks.first());
          pass_kill(self, std::move(down));
        });
  }
}

/// Ends a command here and, down the tree, on its other ranks; with no ranks it has ended already.
void kill_command(exec_state::pointer self, const command_kill& k) {
  auto& st = self->state;
  auto it = st.commands.find({k.subscriber.address(), k.tag});
  if (k.ranks.empty()) {
    if (it != st.commands.end())
      st.commands.erase(it);
    return;
  }
  auto here = k.ranks.contains(st.context->rank);
  if (it != st.commands.end() && here)
    st.context->tasks->signal(it->second, SIGKILL);
  if (auto shell = st.shells.find(k.job); shell != st.shells.end() && here)
    self->send(shell->second, k);
  pass_kill(self, k);
}

} // namespace

// -- the actor ------------------------------------------------------------------------------------

namespace {

/// To the shell of the job on the broker `to`, if it has come there. When that is lost its job is
/// over, here too.
template <class What>
void pass_on(exec_state::pointer self, rank_t to, const What& what) {
  auto& st = self->state;
  if (to != st.context->rank)
    st.with_exec(
      to, [self, what](const exec_actor& peer) { self->send(peer, what); },
      [](const caf::error&) {});
  else if (auto it = st.shells.find(what.id); it != st.shells.end())
    self->send(it->second, what);
  else if constexpr (std::is_same_v<What, modex_request>)
    st.early.keep(what);
}

/// Who sends input hears when the task has taken it, or nobody will.
void add_ticket(const exec_state& st, input_request& in) {
  if (!in.reader)
    return;
  auto told = [to = caf::actor_cast<connector_actor>(in.reader),
               taken = input_taken{in.tag, st.context->rank, in.offset}](void*) {
    caf::anon_send(to, taken);
  };
  in.ticket = std::shared_ptr<void>{nullptr, std::move(told)};
}

stats_reply stats_of(const exec_state& st) {
  return {{{"running", static_cast<int64_t>(st.core.running())},
           {"shells", static_cast<int64_t>(st.shells.size())},
           {"instances", static_cast<int64_t>(st.instances.count())},
           {"launched", st.launched},
           {"tasks", static_cast<int64_t>(st.context->tasks->task_count())}}};
}

waits_reply waits_of(const exec_state& st) {
  waits_reply r{st.core.waits(steady_ns(), limits::wait_lines_max)};
  if (!st.commands.empty())
    r.lines.push_back(std::to_string(st.commands.size())
                      + " commands outside of jobs (hactor exec) have not ended");
  return r;
}

/// What the job waits for on this broker and on those below it in its tree.
caf::result<job_waits_reply> waits_below(exec_state::pointer self, const job_waits_request& q) {
  auto& st = self->state;
  auto here = idset::single(st.context->rank);
  auto sum = std::make_shared<waits_gathering>();
  auto promise = self->make_response_promise<job_waits_reply>();
  sum->tell = [promise](job_waits_reply&& r) mutable { promise.deliver(std::move(r)); };
  auto own = st.core.waits_of(steady_ns(), q.id);
  if (auto of_instance = st.instances.wait_of(q.id); !of_instance.empty())
    own.push_back({"exec", std::move(of_instance), {}, -1, -1, {}, here});
  auto below = q;
  below.patience_ns = patience_below(q.patience_ns);
  if (auto shell = st.shells.find(q.id); shell != st.shells.end())
    gather_waits(self, shell->second, below,
                 {"exec", "an answer of the job's shell", {}, -1, -1, {}, here}, true, sum);
  for (auto rank : st.core.below(q.id)) {
    ++sum->due;
    job_wait silent{"exec", fmt::format("an answer of rank {}", rank), {}, -1, -1, {}, here};
    st.with_exec(
        rank,
        [self, below, silent, sum](const exec_actor& peer) {
          gather_waits(self, peer, below, silent, false, sum);
          sum->take({});
        },
        [silent, sum](const caf::error&) { sum->take({silent}); });
  }
  sum->take(std::move(own));
  return promise;
}

} // namespace

exec_actor::behavior_type exec_service(exec_state::pointer self, broker_actor broker,
                                       std::shared_ptr<const shell_context> context,
                                       std::shared_ptr<const instance_context> nested,
                                       uint32_t brokers, uint32_t fanout) {
  auto& st = self->state;
  st.broker = std::move(broker);
  st.instances.start(std::move(nested));
  st.context = std::move(context);
  st.fanout = fanout;
  st.core = exec_core{st.context->rank, brokers, fanout, st.context->release_delay.count(),
                       st.context->mpi_patience_s};
  // A shell lives as long as its tasks; the end of the broker does not wait for those that stay.
  self->set_exit_handler([self](const caf::exit_msg& e) {
    for (auto& [id, shell] : self->state.shells)
      self->send_exit(shell, e.reason);
    self->state.instances.stop();
    self->quit(e.reason);
  });
  return {
    [self](launch_request& r) {
      auto& st = self->state;
      st.launch(r);
      st.end_turn();
    },
    [self](const signal_request& r) { self->state.signal(r); },
    [self](const settle_request& r) { self->state.settle(r); },
    [self](const exec_report& r) {
      for (auto& job : r.jobs)
        self->state.core.on_child_report(steady_ns(), r.rank, job, self->state);
      self->state.end_turn();
    },
    [self](const shell_report& r) { self->state.on_shell_report(r.report); },
    [self](const exchange_part& p) {
      self->state.core.on_exchange_part(steady_ns(), p, self->state);
      self->state.end_turn();
    },
    [self](const exchange_whole& w) {
      self->state.core.on_exchange_whole(w, self->state);
    },
    [self](const modex_request& r) { pass_on(self, r.broker, r); },
    [self](const modex_reply& r) { pass_on(self, r.to, r); },
    [self](input_request& in) {
      add_ticket(self->state, in);
      if (auto it = self->state.shells.find(in.id); it != self->state.shells.end())
        self->send(it->second, std::move(in));
    },
    [self](const command_request& r) { self->state.run_command(r); },
    [self](const command_kill& k) { kill_command(self, k); },
    [self](const job_waits_request& q) { return waits_below(self, q); },
    [self](const instance_request& r) { return self->state.instances.begin(r); },
    [self](const enter_request& r) { return self->state.instances.enter(r.job); },
    [self](const instance_wait& r) { return self->state.instances.wait(r); },
    [self](const instance_grow& r) { return self->state.instances.grow(r); },
    [self](const instance_shrink& r) { return self->state.instances.shrink(r); },
    [self](const instance_over& o) { self->state.instances.on_over(o.job); },
    [self](const rank_lost& lost) {
      self->state.peers.erase(lost.rank);
      self->state.core.on_rank_lost(lost.rank, self->state);
      self->state.instances.on_rank_lost(lost.rank);
      self->state.end_turn();
    },
    [self](caf::flush_atom) { self->state.send_gathered(); },
    [self](caf::tick_atom) {
      auto& st = self->state;
      st.armed_ns = 0;
      st.core.on_time(steady_ns(), st);
      st.end_turn();
    },
    [self](stats_atom) { return stats_of(self->state); },
    [self](waits_atom) { return waits_of(self->state); },
  };
}

} // namespace hactor
