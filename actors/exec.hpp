// EXEC: the actor around exec_core, one a rank. It spawns the shells, knows the way to other execs,
// gathers reports, and runs commands outside of jobs (hactor exec).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "actors/exec_core.hpp"
#include "actors/exec_instances.hpp"
#include "actors/exec_keeping.hpp"
#include "actors/interfaces.hpp"
#include "actors/shell.hpp"

namespace hactor {

struct exec_state : exec_out {
  static inline const char* name = "exec";
  using pointer = exec_actor::stateful_pointer<exec_state>;

  explicit exec_state(pointer self) : self{self} {}

  void start_shell(const launch_order& order, const std::vector<uint32_t>& entries) override;
  void signal_shell(const signal_item& item) override;
  void forward_launch(rank_t to, const launch_order& order) override;
  void forward_signal(rank_t to, const signal_item& item) override;
  void note(job_id id, const std::string& text) override;
  void pass_up(rank_t parent, exchange_part&& part) override;
  void pass_down(const exchange_whole& whole, bool to_shell,
                 const std::set<rank_t>& children) override;
  void settled(job_report&& r) override;
  bool holds_instance(job_id id) const override { return instances.has(id); }
  void report(bool at_root, rank_t parent, job_report&& r) override;

  /// Ends a turn: arms the timer, sends what has gathered.
  void end_turn();
  void send_gathered();
  void with_exec(rank_t rank, std::function<void(const exec_actor&)> use,
                 std::function<void(const caf::error&)> fail);
  void launch(launch_request& r);
  void signal(const signal_request& r);
  void settle(const settle_request& r);
  void on_shell_report(const job_report& r);
  void run_command(const command_request& r);
  void pass_command(command_request r);
  void forget(job_id id);
  void confine(const launch_plan& plan, const launch_item& item);
  /// The instance over the job has got nodes, of which this rank is one: its resources are told if
  /// its jobs are to stay within that.
  void confine_grown(const instance_grow& r);
  uint64_t cores_here(const launch_item& item) const; ///< That the job has on this rank.
  idset cpus_within(const std::string& instance) const;

  /// Launches for one rank of jobs of one instance.
  struct launch_mail {
    launch_request request;
    std::map<const launch_plan*, size_t> groups;
  };
  struct peer_mail {
    std::map<job_origin_ptr, launch_mail> launches;
    signal_request signals;
    exec_report reports;
  };
  /// What one instance's job manager is told at the end of this turn.
  struct manager_mail {
    exec_report reports;
    settled_report settled;
  };

  pointer self;
  broker_actor broker;
  std::shared_ptr<const shell_context> context;
  uint32_t fanout = 16;
  exec_core core;
  launch_plans plans;
  std::unordered_map<job_id, shell_actor> shells;
  std::unordered_map<job_id, job_origin_ptr> origins; // of what runs here
  job_origin_ptr last_origin;
  std::unordered_map<job_id, int64_t> memory_limits; // of what runs here and has one
  std::unordered_map<job_id, idset> confined; // CPUs that an instance over the job may use here
  std::map<job_id, caf::actor> askers; // who wants to hear that a job is settled
  std::map<rank_t, exec_actor> peers;
  std::map<rank_t, peer_mail> mail; // gathered in this turn, by rank
  std::map<caf::actor, manager_mail> manager_mails; // gathered likewise
  exec_instances instances{*this};
  bool flushing = false;
  int64_t armed_ns = 0;
  using command_key = std::pair<caf::actor_addr, uint64_t>;
  std::map<command_key, uint64_t> commands; // token of the task host
  seen_commands<command_key> seen;
  early_requests early; // to shells that are not launched yet
  int64_t launched = 0;
};

exec_actor::behavior_type exec_service(exec_state::pointer self, broker_actor broker,
                                       std::shared_ptr<const shell_context> context,
                                       std::shared_ptr<const instance_context> nested,
                                       uint32_t brokers, uint32_t fanout);

} // namespace hactor
