// A little network of exec cores in memory: messages between any two keep their order, and those of
// different pairs are delivered in any order, which the caller's random source picks. Shells are
// played: each starts, and ends when it is told to or when it likes. Ranks can be lost at any
// moment.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "actors/exec_core.hpp"
#include "store_builders.hpp"

namespace hactor::test {

/// How the shells of a job behave.
struct shell_script {
  bool endless = false;          // ends only when it is told to
  std::set<rank_t> fails_on;     // brokers on which nothing can be started
  std::map<rank_t, int> status;  // wait status by broker; 0 when absent
};

class exec_network {
public:
  /// `release_delay_ns`, `mpi_patience_s`: as exec_core has them; as a rule, parts of jobs are
  /// never told of.
  exec_network(uint32_t brokers, uint32_t fanout, int64_t release_delay_ns = INT64_MAX / 4,
               double mpi_patience_s = 0)
      : manager(brokers) {
    for (rank_t i = 0; i < brokers; ++i) {
      cores.emplace_back(i, brokers, fanout, release_delay_ns, mpi_patience_s);
      outs.push_back({*this, i});
      known_lost.emplace_back();
    }
  }
  exec_network(const exec_network&) = delete;

  struct shell {
    bool started = false;
    bool told_to_end = false;
    bool over = false; // ends by itself now, also when its script is endless
    std::vector<int> signals;
  };
  using place = std::pair<rank_t, job_id>;

  /// What the actors around the cores do beside them; each may be empty.
  struct host_hooks {
    std::function<std::string(rank_t, const launch_order&)> refuses; // why it is not launched
    std::function<void(rank_t, const signal_item&)> signalled;
    /// The job manager wants this job settled: instead of exec_core::settle.
    std::function<void(rank_t, job_id, uint32_t attempt, const idset& lost)> settles;
    std::function<bool(rank_t, const job_report&)> holds; // a shell's report is kept for later
    std::function<void(rank_t, bool at_root, const job_report&)> reported;
    std::function<void(rank_t, job_id)> settled; // and nothing of the job runs on the rank
    std::function<void(rank_t, rank_t lost)> heard_of_loss;
    std::function<rank_t(job_id)> manager_of; // its job manager's place, at or beyond `manager`
  };

  // -- what the job manager does ------------------------------------------------------------------
  void launch(const launch_order& order) {
    auto root = order.item.resources.nodes.front().rank % manager;
    send(manager_of(order.item.id), root, [this, root, order] { take_launch(root, order); });
  }
  void signal(rank_t root, const signal_item& item) {
    send(manager_of(item.id), root, [this, root, item] { take_signal(root, item); });
  }

  void settle_job(rank_t rank, job_id id, const idset& gone, uint32_t attempt = 1) {
    send(manager_of(id), rank, [this, rank, id, attempt, gone] {
      if (hooks.settles)
        hooks.settles(rank, id, attempt, gone);
      else
        settle_core(rank, id, attempt, gone);
    });
  }
  void settle_core(rank_t rank, job_id id, uint32_t attempt, const idset& gone) {
    cores[rank].settle(now_ns, id, attempt, gone, outs[rank]);
  }
  /// What was kept by hooks.holds.
  void report_shell(rank_t rank, const job_report& r) {
    cores[rank].on_shell_report(now_ns, r, outs[rank]);
  }

  // -- what happens -------------------------------------------------------------------------------
  /// One thing happens, anywhere. False when nothing can.
  bool step(random_source& r) {
    std::vector<std::function<void()>> can;
    for (auto& [pair, queue] : mail)
      if (!queue.empty())
        can.emplace_back([&q = queue] {
          auto f = std::move(q.front());
          q.pop_front();
          f();
        });
    for (auto& [where, s] : shells)
      if (!s.started || s.told_to_end || s.over || !scripts[where.second].endless)
        can.emplace_back([this, at = where] { advance_shell(at); });
    if (can.empty())
      return false;
    can[below(r, can.size())]();
    return true;
  }
  void settle(random_source& r) {
    while (step(r)) {
    }
  }

  /// The broker dies with its shells. Of what it has sent, a random part still arrives; then each
  /// peer hears of the loss.
  void lose(rank_t rank, random_source& r) {
    lose_place(rank, r);
    std::erase_if(shells, [&](const auto& s) { return s.first.first == rank; });
    for (rank_t i = 0; i < manager; ++i)
      if (lost.count(i) == 0)
        mail[{rank, i}].push_back([this, i, rank] {
          known_lost[i].insert(rank);
          cores[i].on_rank_lost(rank, outs[i]);
          if (hooks.heard_of_loss)
            hooks.heard_of_loss(i, rank);
        });
    if (manager_lost)
      mail[{rank, manager}].push_back([this, rank] { manager_lost(rank); });
  }

  /// Nothing more comes to this place, and of what it has sent only a random part.
  void lose_place(rank_t place, random_source& r) {
    lost.insert(place);
    for (auto& [pair, queue] : mail) {
      if (pair.second == place)
        queue.clear();
      else if (pair.first == place)
        queue.resize(below(r, queue.size() + 1));
    }
  }

  /// Nothing more comes to this place; what it has sent arrives.
  void close_place(rank_t place) {
    lost.insert(place);
    for (auto& [pair, queue] : mail)
      if (pair.second == place)
        queue.clear();
  }

  /// Time goes on; simulated jobs end.
  void advance_time(int64_t now) {
    now_ns = now;
    for (rank_t i = 0; i < manager; ++i)
      if (lost.count(i) == 0)
        cores[i].on_time(now_ns, outs[i]);
  }

  bool quiet() const {
    for (rank_t i = 0; i < manager; ++i)
      if (lost.count(i) == 0 && cores[i].running() != 0)
        return false;
    return shells.empty();
  }

  const rank_t manager; // the job manager's place in the network: one beyond the last rank
  /// The shell of the rank: its tasks wait for the others, with what they have to tell.
  void tell_others(rank_t rank, job_id id, const std::string& values, int32_t world = -1,
                   const idset& among = {}) {
    cores[rank].on_exchange_part(now_ns, {id, rank, values, world, among}, outs[rank]);
  }
  /// The same in MPI_Init.
  void come_to_mpi(rank_t rank, job_id id) {
    cores[rank].on_exchange_part(now_ns, {id, rank, "", -1, {}, true}, outs[rank]);
  }
  /// The shell of the rank: all its tasks have ended so.
  void leave(rank_t rank, job_id id, int status) {
    shells.erase({rank, id});
    job_report r;
    r.id = id;
    r.started = r.ended = true;
    r.status = status;
    cores[rank].on_shell_report(now_ns, r, outs[rank]);
  }
  /// The shell of the rank: its part of the job cannot go on.
  void break_off(rank_t rank, const job_report& r) {
    cores[rank].on_shell_report(now_ns, r, outs[rank]);
  }

  std::vector<exec_core> cores;
  int64_t now_ns = 0;
  std::map<place, shell> shells;
  std::map<place, shell> ended_shells;
  std::map<place, std::vector<uint32_t>> entries; // of R, by shell that was ever started
  std::map<place, uint32_t> attempts;             // of the job, by the same
  std::map<place, std::vector<std::string>> exchanged; // what shells were given
  size_t exchange_messages = 0;                        // that were sent for it
  std::map<job_id, std::string> notes;                 // for its standard error
  std::map<job_id, shell_script> scripts;
  std::set<rank_t> lost;
  std::set<job_id> holding; // jobs that hold an instance
  std::function<void(rank_t, const job_report&)> to_manager;
  std::function<void(rank_t, const job_report&)> settled_to_manager;
  std::function<void(rank_t)> manager_lost;
  host_hooks hooks;
  std::vector<std::string> wrong; // what must not happen, if it did

private:
  rank_t manager_of(job_id id) const { return hooks.manager_of ? hooks.manager_of(id) : manager; }

  void take_launch(rank_t to, const launch_order& order) {
    auto why = hooks.refuses ? hooks.refuses(to, order) : "";
    if (why.empty())
      cores[to].launch(now_ns, order, outs[to]);
    else
      cores[to].refuse(order.item, why, outs[to]);
  }

  void take_signal(rank_t to, const signal_item& item) {
    cores[to].signal(now_ns, item, outs[to]);
    if (hooks.signalled)
      hooks.signalled(to, item);
  }

  struct out : exec_out {
    out(exec_network& n, rank_t self) : net{n}, self{self} {}
    void start_shell(const launch_order& order, const std::vector<uint32_t>& entries) override {
      place at{self, order.item.id};
      auto& before = net.attempts[at];
      if (before >= order.item.attempt || net.shells.count(at) != 0)
        net.wrong.push_back("a shell was started twice");
      before = order.item.attempt;
      net.entries[at] = entries;
      net.shells[at] = {};
    }
    void signal_shell(const signal_item& item) override {
      if (auto it = net.shells.find({self, item.id}); it != net.shells.end()) {
        it->second.signals.push_back(item.signal);
        it->second.told_to_end |= item.terminate || item.signal == 9;
      }
    }
    void note(job_id id, const std::string& text) override { net.notes[id] += text; }
    void forward_launch(rank_t to, const launch_order& order) override {
      auto& n = net;
      if (n.known_lost[self].count(to) != 0)
        n.mail[{self, self}].push_back([&n, me = self, to, id = order.item.id] {
          n.cores[me].on_unreachable(id, to, "cannot be reached", n.outs[me]);
        });
      else
        n.send(self, to, [&n, to, order] { n.take_launch(to, order); });
    }
    void forward_signal(rank_t to, const signal_item& item) override {
      auto& n = net;
      n.send(self, to, [&n, to, item] { n.take_signal(to, item); });
    }
    void pass_up(rank_t parent, exchange_part&& part) override {
      auto& n = net;
      ++n.exchange_messages;
      n.send(self, parent, [&n, parent, part = std::move(part)] {
        n.cores[parent].on_exchange_part(n.now_ns, part, n.outs[parent]);
      });
    }
    void pass_down(const exchange_whole& whole, bool to_shell,
                   const std::set<rank_t>& children) override {
      auto& n = net;
      for (auto child : children) {
        ++n.exchange_messages;
        n.send(self, child, [&n, child, whole] {
          n.cores[child].on_exchange_whole(whole, n.outs[child]);
        });
      }
      if (to_shell)
        n.exchanged[{self, whole.id}].push_back(whole.values);
    }
    void settled(job_report&& r) override {
      auto& n = net;
      n.send(self, n.manager_of(r.id), [&n, me = self, r] { n.settled_to_manager(me, r); });
      if (n.hooks.settled && !n.cores[self].runs(r.id))
        n.hooks.settled(self, r.id);
    }
    bool holds_instance(job_id id) const override { return net.holding.count(id) != 0; }
    void report(bool at_root, rank_t parent, job_report&& r) override {
      auto& n = net;
      if (at_root)
        n.send(self, n.manager_of(r.id), [&n, me = self, r] { n.to_manager(me, r); });
      else
        n.send(self, parent, [&n, me = self, parent, r] {
          n.cores[parent].on_child_report(n.now_ns, me, r, n.outs[parent]);
        });
      if (n.hooks.reported)
        n.hooks.reported(self, at_root, r);
    }
    exec_network& net;
    rank_t self;
  };

  void send(rank_t from, rank_t to, std::function<void()> what) {
    if (lost.count(to) == 0)
      mail[{from, to}].push_back(std::move(what));
  }

  void advance_shell(place at) {
    auto [rank, id] = at;
    auto& s = shells.at(at);
    auto& script = scripts[id];
    job_report r;
    r.id = id;
    if (!s.started && script.fails_on.count(rank) != 0) {
      r.ended = true;
      r.status = 127 << 8;
      r.failure = "rank " + std::to_string(rank) + ": command not found";
    } else if (!s.started) {
      s.started = true;
      r.started = true;
    } else {
      r.started = true;
      r.ended = true;
      r.status = s.told_to_end ? 15 : script.status[rank];
      r.used = {static_cast<int64_t>(100 + rank), 10, 1};
      r.outputs = {{rank, 1000 + rank}};
    }
    if (r.ended) {
      ended_shells[at] = s;
      shells.erase(at);
    }
    if (!hooks.holds || !hooks.holds(rank, r))
      cores[rank].on_shell_report(now_ns, r, outs[rank]);
  }

  std::vector<out> outs;
  std::vector<std::set<rank_t>> known_lost; // by rank: whose loss it has heard of
  std::map<std::pair<rank_t, rank_t>, std::deque<std::function<void()>>> mail;
};

} // namespace hactor::test
