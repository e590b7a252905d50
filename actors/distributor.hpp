// DISTRIBUTOR: the actor around distributor_core, in the scheduler's place where an instance keeps
// no work itself. Whoever asks for room sees a scheduler; the schedulers of its children see a job
// manager. So levels can be stacked, and all that a person does with a job is done with the job of
// the instance that it was submitted to. What comes in is worked off at once, and what follows from
// it is told when the mailbox was looked through once (tick): gives and grants go in lists.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/distributor_core.hpp"
#include "actors/id_source.hpp"
#include "actors/interfaces.hpp"
#include "actors/job_spec.hpp"
#include "runtime/config.hpp"

namespace hactor {

struct distributor_setup {
  std::shared_ptr<spec_cache> specs;
  std::shared_ptr<id_source> ids;
  scheduler_actor graph; // places the children
  broker_actor broker;   // of an outermost instance, whose ranks may not have met; else null
  hierarchy_settings settings;
  config attributes;   // of the instance
  std::string program; // hactor
  std::string title = "distributor"; // of its lines in the log
};

struct distributor_state : distributor_out {
  static inline const char* name = "distributor";
  using pointer = distributor_actor::stateful_pointer<distributor_state>;

  explicit distributor_state(pointer self) : self{self} {}

  // -- what the core causes -----------------------------------------------------------------------
  void give(job_id child, const job_spec_ptr& spec, const alloc_entry& entry) override;
  void take_back(job_id child, job_id id) override;
  void prioritize(job_id child, const alloc_entry& entry) override;
  void free(job_id child, job_id id) override;
  void extend(job_id child, job_id id, int64_t end_ns) override;
  void granted(distributor_client to, job_id id, rset&& resources, std::string how) override;
  void denied(distributor_client to, job_id id, std::string note) override;
  void cancelled(distributor_client to, job_id id) override;
  void lost(distributor_client to, job_id id, std::string note) override;
  job_id make_child(size_t place, const child_share& share) override;
  void free_child(job_id child) override;

  // -- turns --------------------------------------------------------------------------------------
  /// One turn follows, however many messages ask for one.
  void want_turn();
  void turn();
  void send_mails();
  void arm();

  // -- what comes in ------------------------------------------------------------------------------
  distributor_client client_of(const caf::strong_actor_ptr& who);
  job_id child_of(const caf::strong_actor_ptr& who) const; ///< None: it is not a child's scheduler.
  void take_jobs(const alloc_request& r);
  void take_decision_about_children(alloc_decision& d);
  void take_decision_of(job_id child, alloc_decision& d);
  void open_child(const instance_opened& o);
  void tell_drains(job_id child, const idset& before);

  // -- what is asked (distributor_requests.cpp) ---------------------------------------------------
  caf::result<done> judge(const feasible_request& r);
  caf::result<explain_reply> explain(const explain_request& r);
  void explain_now(const explain_request& r, caf::typed_response_promise<explain_reply> promise);
  void explain_rest(); ///< Answers who has asked before the turn.
  caf::result<resource_reply> usage();
  caf::result<queue_reply> queues(const queue_request& r);
  caf::result<scheduler_reply> about_scheduler(const scheduler_request& r);
  caf::result<count_reply> pass_on(raise_request r);
  std::vector<std::string> waits() const;
  void judge_again(); ///< Children have come or gone: whoever waited for that is judged.

  /// What goes to one scheduler at the end of a turn.
  struct mail {
    alloc_request wanted;
    std::map<const resource_request*, size_t> groups;
    alloc_cancel back;
    alloc_prioritize prioritized;
    alloc_extend extended;
    free_request freed;

    void want(const job_spec_ptr& spec, const alloc_entry& entry);
  };
  struct client_mail {
    alloc_decision decision;
    std::map<std::string, std::vector<job_id>> lost; // by what is said of them
  };
  struct child_handles {
    scheduler_actor scheduler;
    resource_actor resource;
  };
  /// Jobspecs that were submitted and must fit some child.
  struct judgement {
    feasible_request request;
    size_t at = 0;                // the one of them that is judged
    std::vector<job_id> to_ask{}; // children that have not said
    int64_t opened = 0;           // children that had opened when it was looked whom to ask
    caf::error last{};            // what the last child said
    caf::typed_response_promise<done> promise{};
  };
  using judgement_ptr = std::shared_ptr<judgement>;
  void begin_to_judge(const judgement_ptr& j);
  void ask_next(const judgement_ptr& j);
  void refuse(const judgement_ptr& j);
  static void answer(judgement& j, const caf::error& e);

  pointer self;
  distributor_setup setup;
  distributor_core core;
  std::vector<caf::strong_actor_ptr> clients; // the first is the job manager of this instance
  std::unordered_map<job_id, child_handles> handles;
  std::map<caf::actor_addr, job_id> by_address; // of children's schedulers
  mail graph_mail;
  std::map<job_id, mail> mails;
  std::map<distributor_client, client_mail> client_mails;
  std::vector<std::pair<job_id, caf::error>> not_made; // children that were not taken in
  std::deque<judgement_ptr> parked;                    // until children are there
  std::vector<std::pair<explain_request, caf::typed_response_promise<explain_reply>>> unexplained;
  std::set<std::string> fits; // shapes that some child of those that there are can run
  inventory last;                // what there is
  rset usable;
  idset drained;
  bool begun = false;
  bool children_changed = false; // in this turn
  bool turn_wanted = false;
  bool stopped = false;
  int64_t armed_ns = 0;
  int64_t denials = 0, grants = 0, made = 0, opened = 0;
};

distributor_actor::behavior_type distributor_service(distributor_state::pointer self,
                                                     distributor_setup setup);

} // namespace hactor
