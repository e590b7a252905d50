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
  exec_network(uint32_t brokers, uint32_t fanout) : manager(brokers) {
    for (rank_t i = 0; i < brokers; ++i) {
      cores.emplace_back(i, brokers, fanout);
      outs.push_back({*this, i});
      known_lost.emplace_back();
    }
  }
  exec_network(const exec_network&) = delete;

  struct shell {
    bool started = false;
    bool told_to_end = false;
    std::vector<int> signals;
  };
  using place = std::pair<rank_t, job_id>;

  // -- what the job manager does ------------------------------------------------------------------
  void launch(const launch_order& order) {
    auto root = order.item.resources.nodes.front().rank % manager;
    send(manager, root, [this, root, order] { cores[root].launch(now_ns, order, outs[root]); });
  }
  void signal(rank_t root, const signal_item& item) {
    send(manager, root, [this, root, item] { cores[root].signal(now_ns, item, outs[root]); });
  }

  void settle_job(rank_t rank, job_id id, const idset& gone, uint32_t attempt = 1) {
    send(manager, rank, [this, rank, id, attempt, gone] {
      cores[rank].settle(now_ns, id, attempt, gone, outs[rank]);
    });
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
      if (!s.started || s.told_to_end || !scripts[where.second].endless)
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
    lost.insert(rank);
    std::erase_if(shells, [&](const auto& s) { return s.first.first == rank; });
    for (auto& [pair, queue] : mail) {
      if (pair.second == rank)
        queue.clear();
      else if (pair.first == rank)
        queue.resize(below(r, queue.size() + 1));
    }
    for (rank_t i = 0; i < manager; ++i)
      if (lost.count(i) == 0)
        mail[{rank, i}].push_back([this, i, rank] {
          known_lost[i].insert(rank);
          cores[i].on_rank_lost(rank, outs[i]);
        });
    if (manager_lost)
      mail[{rank, manager}].push_back([this, rank] { manager_lost(rank); });
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
  void tell_others(rank_t rank, job_id id, const std::string& values) {
    cores[rank].on_exchange_part(id, rank, values, outs[rank]);
  }
  /// The shell of the rank: all its tasks have ended well, and have used this.
  void leave(rank_t rank, job_id id, const usage& used) {
    shells.erase({rank, id});
    job_report r;
    r.id = id;
    r.started = r.ended = true;
    r.used = used;
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
  std::map<place, std::vector<std::string>> exchanged; // what shells were given
  std::map<job_id, shell_script> scripts;
  std::set<rank_t> lost;
  std::function<void(rank_t, const job_report&)> to_manager;
  std::function<void(rank_t, const job_report&)> settled_to_manager;
  std::function<void(rank_t)> manager_lost;
  std::vector<std::string> wrong; // what must not happen, if it did

private:
  struct out : exec_out {
    out(exec_network& n, rank_t self) : net{n}, self{self} {}
    void start_shell(const launch_order& order, const std::vector<uint32_t>& entries) override {
      place at{self, order.item.id};
      if (!net.entries.emplace(at, entries).second)
        net.wrong.push_back("a shell was started twice");
      net.shells[at] = {};
    }
    void signal_shell(const signal_item& item) override {
      if (auto it = net.shells.find({self, item.id}); it != net.shells.end()) {
        it->second.signals.push_back(item.signal);
        it->second.told_to_end |= item.terminate || item.signal == 9;
      }
    }
    void forward_launch(rank_t to, const launch_order& order) override {
      auto& n = net;
      if (n.known_lost[self].count(to) != 0)
        n.mail[{self, self}].push_back([&n, me = self, to, id = order.item.id] {
          n.cores[me].on_unreachable(id, to, "cannot be reached", n.outs[me]);
        });
      else
        n.send(self, to, [&n, to, order] { n.cores[to].launch(n.now_ns, order, n.outs[to]); });
    }
    void forward_signal(rank_t to, const signal_item& item) override {
      auto& n = net;
      n.send(self, to, [&n, to, item] { n.cores[to].signal(n.now_ns, item, n.outs[to]); });
    }
    void pass_up(rank_t parent, job_id id, std::string values) override {
      auto& n = net;
      n.send(self, parent, [&n, me = self, parent, id, values = std::move(values)] {
        n.cores[parent].on_exchange_part(id, me, values, n.outs[parent]);
      });
    }
    void pass_down(job_id id, bool to_shell, const std::set<rank_t>& children,
                   const std::string& values) override {
      auto& n = net;
      for (auto child : children)
        n.send(self, child, [&n, child, id, values] {
          n.cores[child].on_exchange_whole(id, values, n.outs[child]);
        });
      if (to_shell)
        n.exchanged[{self, id}].push_back(values);
    }
    void settled(job_report&& r) override {
      auto& n = net;
      n.send(self, n.manager, [&n, me = self, r] { n.settled_to_manager(me, r); });
    }
    void report(bool at_root, rank_t parent, job_report&& r) override {
      auto& n = net;
      if (at_root)
        n.send(self, n.manager, [&n, me = self, r] { n.to_manager(me, r); });
      else
        n.send(self, parent, [&n, me = self, parent, r] {
          n.cores[parent].on_child_report(n.now_ns, me, r, n.outs[parent]);
        });
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
    cores[rank].on_shell_report(now_ns, r, outs[rank]);
  }

  std::vector<out> outs;
  std::vector<std::set<rank_t>> known_lost; // by rank: whose loss it has heard of
  std::map<std::pair<rank_t, rank_t>, std::deque<std::function<void()>>> mail;
};

} // namespace hactor::test
