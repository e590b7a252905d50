// SCHEDULER: the actor around scheduler_core. Passes are coalesced: however many messages ask for
// one, one pass follows what is in the mailbox. What a person does to queues and to the graph is
// kept in the journal. The core can be taken out of use and another put in its place while jobs
// run: the graph stays, who holds what is asked of the job manager (scheduler_reload.cpp).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/graph_changes.hpp"
#include "actors/interfaces.hpp"
#include "actors/job_spec.hpp"
#include "actors/scheduler_core.hpp"

namespace hactor {

/// What a scheduler is started with.
struct scheduler_setup {
  std::shared_ptr<spec_cache> specs;
  scheduler_settings settings;
  std::shared_ptr<resource_graph> graph; // null: made of the inventory when that comes
  journal_actor journal;
  std::string queue_states;        // as queue_states_json wrote them before; "" at the first start
  config attributes;               // that the settings were read from
  graph_changes changes;           // that are in the graph
  std::string title = "scheduler"; // in the log
  std::string claims{};            // as claims_json wrote them before
};

/// The name in the journal's meta under which the states of queues are kept.
inline constexpr auto queue_states_key = "queues";
/// The same for claims.
inline constexpr auto claims_key = "claims";

struct scheduler_state : scheduler_out {
  static inline const char* name = "scheduler";
  using pointer = scheduler_actor::stateful_pointer<scheduler_state>;

  explicit scheduler_state(pointer self) : self{self} {}
  void granted(job_id id, rset&& resources, start_kind how) override;
  void denied(job_id id, std::string note) override;
  void cancelled(job_id id) override;

  void enqueue(const alloc_request& r, size_t client);
  void take_inventory(const inventory& i);
  caf::error refuse_unless_loaded() const; // ec::wrong_state
  std::string unloaded_sentence() const;
  void want_pass();
  alloc_decision& decision_about(job_id id);
  /// Without a core: what a further client wants waits here, for the load asks the first one only.
  void keep(const alloc_request& r, size_t client);
  void drop(job_id id);
  /// Answers those who wait for ranks on which no job has anything any more.
  void tell_vacant();
  void tell();
  void commit(const char* key, std::string value, std::function<void(const caf::error&)> then);

  /// Unloaded: there is no core to speak of, jobs wait with the job manager. Loading: it was asked
  /// who holds what, and what it says before it answers is in the answer.
  enum class phase : uint8_t { loaded, unloaded, loading };

  pointer self;
  /// Who asks for room: the job manager of the instance, and in a child of one that distributes its
  /// jobs the distributor there. The first has all jobs that are not in `of_others`.
  std::vector<job_manager_actor> clients;
  std::unordered_map<job_id, size_t> of_others;
  std::vector<std::pair<size_t, alloc_group>> kept;
  journal_actor journal;
  std::shared_ptr<spec_cache> specs;
  scheduler_core core;
  phase now = phase::loaded;
  config attributes;
  graph_changes changes;
  // What outlives a core.
  std::optional<resource_graph> graph;
  std::optional<inventory> last_inventory;
  std::string queue_states;
  std::map<uint64_t, scheduler_core::claim> claims; // while there is no core
  // Whose claims end with a client of a connector; the others stay.
  std::map<uint64_t, std::pair<caf::actor_addr, uint64_t>> claimants;
  struct match_times {
    int64_t matches = 0;
    double least = 0, most = 0, total = 0;
  } claim_times;                         // of claims, in seconds
  double graph_seconds = 0;              // that making the graph ready took
  std::vector<alloc_decision> decisions; // one for each of the clients
  std::vector<std::pair<idset, caf::typed_response_promise<done>>> vacating;
  std::vector<std::pair<explain_request, caf::typed_response_promise<explain_reply>>> unexplained;
  bool pass_wanted = false;
  int64_t armed_ns = 0; // for a pass that time alone makes necessary; 0: for none
  int64_t passes = 0, grants = 0, backfilled = 0;
  int64_t passes_ns = 0; // that they took
  std::string title;     // in the log
};

/// Requires: the graph of the setup, if there is one, can be scheduled (scheduler_settings.hpp).
scheduler_actor::behavior_type scheduler_service(scheduler_state::pointer self,
                                                 scheduler_setup setup);

} // namespace hactor
