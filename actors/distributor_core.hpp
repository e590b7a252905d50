// DISTRIBUTOR: which child of an instance that keeps no work itself gets which job, and when. Plain
// C++: the distributor actor hands in facts and times, what is to be done goes out through
// distributor_out. A child is an instance that holds a job's grant; what it is given it queues and
// grants by itself, and says so.
//
// Children are balanced by demand. Each has a window, so many jobs that it may have and not have
// granted; the rest waits here, by priority. Who has least to do for what it has gets the next. A
// child that has room and nothing to grant gets what others have queued; a job of higher priority
// than one that is queued in a child takes its place.
//
// Whoever asks for room is a client: the job manager of this instance, and the distributor of the
// one around it when this is a child itself. Laws: a job is with one child at a time; what a child
// grants counts only while it has the job and lives; a child that dies gives back what it has not
// granted, what it has is lost to its client, and the room of the child is not given to another
// before all of that is free.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/child_plan.hpp"
#include "actors/job_spec.hpp"
#include "actors/messages.hpp"
#include "actors/rank_map.hpp"
#include "graph/rset.hpp"

namespace hactor {

/// Who asks for room: an index that the actor chose.
using distributor_client = uint32_t;

/// Everything that the distributor can cause. A child is named by the job that holds it.
struct distributor_out {
  virtual ~distributor_out() = default;
  // To the scheduler of a child.
  virtual void give(job_id child, const job_spec_ptr& spec, const alloc_entry& entry) = 0;
  virtual void take_back(job_id child, job_id id) = 0;
  virtual void prioritize(job_id child, const alloc_entry& entry) = 0;
  virtual void free(job_id child, job_id id) = 0;
  virtual void extend(job_id child, job_id id, int64_t end_ns) = 0;
  // To the client of a job.
  virtual void granted(distributor_client to, job_id id, rset&& resources, std::string how) = 0;
  virtual void denied(distributor_client to, job_id id, std::string note) = 0;
  virtual void cancelled(distributor_client to, job_id id) = 0;
  virtual void lost(distributor_client to, job_id id, std::string note) = 0;
  /// Submit the child of a place, under this id.
  virtual job_id make_child(size_t place, const child_share& share) = 0;
  /// Nothing is held any more of what a child had been granted.
  virtual void free_child(job_id child) = 0;
};

struct distributor_counts {
  uint64_t queued = 0;     // here
  uint64_t given = 0;      // to children that have not granted them
  uint64_t running = 0;    // granted
  uint64_t children = 0;   // that serve
  uint64_t taken_back = 0; // since the start, from one child to give to another
};

/// Where a job is.
struct distributor_place {
  enum class kind : uint8_t { unknown, held, queued, given, granted } what = kind::unknown;
  job_id child{};      // given, granted
  std::string refusal; // queued: what the last child said that cannot run it; "": none
};

/// A child, as the rest of the instance sees it.
struct distributor_child {
  job_id id;
  child_share share;
  uint64_t nodes = 0, cores = 0; // as granted
  bool serves = false;
  size_t given = 0, running = 0, window = 0;
};

class distributor_core {
public:
  /// `tree_width`: children, 0: by the nodes (child_plan.hpp).
  explicit distributor_core(uint32_t tree_width = 0) : width_{tree_width} {}

  // -- what there is ------------------------------------------------------------------------------
  /// What can be used now. The first one decides how many children there are; ranks that come later
  /// and were never there get more: one a node, or one for all where `tree_width` says how many.
  void set_inventory(const rset& usable);

  void child_granted(job_id child, const rset& grant);
  /// It was not taken in, or will never be granted: it holds nothing.
  void child_denied(int64_t now_ns, job_id child, const std::string& why, distributor_out& out);
  /// It was not taken in now; that says nothing of the next.
  void child_postponed(int64_t now_ns, job_id child, const std::string& why);
  void child_opened(int64_t now_ns, job_id child, distributor_out& out);
  /// Its scheduler is gone; the job that holds it may live on.
  void child_down(int64_t now_ns, job_id child, distributor_out& out);
  /// The job that holds it has ended.
  void child_over(int64_t now_ns, job_id child, distributor_out& out);
  bool is_child(job_id id) const { return children_.count(id) != 0; }

  // -- what clients say ---------------------------------------------------------------------------
  void enqueue(int64_t now_ns, distributor_client from, const job_spec_ptr& spec,
               const alloc_entry& entry, distributor_out& out);
  void cancel(int64_t now_ns, job_id id, distributor_out& out);
  void prioritize(int64_t now_ns, const alloc_entry& entry, distributor_out& out);
  void free(int64_t now_ns, job_id id, distributor_out& out);
  void extend(job_id id, int64_t end_ns, distributor_out& out); ///< As alloc_extend.
  /// The client of a job, of those that `child` has been granted; none: it has not.
  std::optional<distributor_client> client_of(job_id child, job_id id) const;

  // -- what children say --------------------------------------------------------------------------
  void on_granted(int64_t now_ns, job_id child, job_id id, rset&& resources, std::string how,
                  distributor_out& out);
  void on_denied(int64_t now_ns, job_id child, job_id id, const std::string& note,
                 distributor_out& out);
  void on_cancelled(int64_t now_ns, job_id child, job_id id, distributor_out& out);

  // -- time ---------------------------------------------------------------------------------------
  /// Gives to children what they may have. To be called at the end of each turn.
  void distribute(int64_t now_ns, distributor_out& out);
  int64_t next_wake_ns() const { return wake_ns_; } ///< 0: none.
  /// The instance ends: no child is made, nothing is given any more.
  void stop() { stopped_ = true; }

  // -- asking -------------------------------------------------------------------------------------
  distributor_place where(job_id id) const;
  distributor_counts counts() const;
  std::vector<distributor_child> children() const; ///< That live, by place.
  /// A child is on its way that does not serve yet.
  bool is_waiting_for_children() const;
  /// Why no child can be made, in a sentence; "" while there is hope.
  std::string hopeless() const;
  /// Those of these ranks of the instance that a child has, as it counts them.
  idset ranks_in(job_id child, const idset& ranks) const;
  /// What a child's scheduler holds and has queued of what it was given, in its own ranks.
  rooms_reply rooms(job_id child) const;
  /// What jobs hold, in this instance's ranks.
  rset held() const;

private:
  /// The order of the queue.
  struct place_in_queue {
    uint32_t priority = 0;
    int64_t t_submit_ns = 0;
    job_id id;
    friend bool operator<(const place_in_queue& a, const place_in_queue& b) {
      if (a.priority != b.priority)
        return a.priority > b.priority;
      return a.t_submit_ns != b.t_submit_ns ? a.t_submit_ns < b.t_submit_ns : a.id < b.id;
    }
  };
  /// By whom it was refused.
  struct refusals {
    std::vector<job_id> children;
    std::string note; // of the last
  };
  struct job {
    distributor_client client = 0;
    job_spec_ptr spec;
    alloc_entry entry;
    job_id child{};     // that has it; none: it waits here
    job_id meant_for{}; // taken back to be given to this child
    int64_t given_ns = 0;
    uint64_t cost = 1; // cores
    uint8_t moves = 0; // how often it was taken back
    bool granted = false;
    bool taking_back = false; // the child was asked for it
    bool cancelling = false;  // its client does not want room any more
    std::unique_ptr<refusals> refused;
    rset held;       // granted, in the child's ranks, without host names
    size_t slot = 0; // granted: its place in the child's list

    bool is_refused_by(job_id child) const {
      return refused
             && std::find(refused->children.begin(), refused->children.end(), child)
                    != refused->children.end();
    }
  };
  enum class phase : uint8_t { submitted, serves, dead };
  struct child {
    size_t place = 0;
    child_share share;
    rset grant;
    rank_map where{1}; // its ranks in this instance
    phase now = phase::submitted;
    bool over = false; // its job has ended
    int64_t opened_ns = 0;
    uint64_t cores = 1;
    std::set<place_in_queue> given;
    std::vector<job*> running; // in any order; each knows its place
    uint64_t given_cores = 0, busy_cores = 0;
    size_t expected = 0; // jobs that are taken back from others for it
    size_t window = 0;
    int64_t shrunk_ns = 0;
    bool touched = false;
    std::optional<uint64_t> in_roomy;  // its key there
    std::optional<size_t> in_backlogs; // likewise
  };
  struct child_place {
    child_share share;
    job_id child{};        // none: there is no child now
    bool no_room = false;  // nothing was left for it when that was last looked at
    uint32_t failures = 0; // in a row
    int64_t retry_ns = 0;  // not before
    std::string why;       // the last failure
  };

  static place_in_queue key_of(const job& j) {
    return {j.entry.priority, j.entry.t_submit_ns, j.entry.id};
  }
  job* given_to(job_id child, job_id id); ///< Null: that child does not have it queued.
  void return_job(job& j, distributor_out& out);
  void unassign(job& j);
  void touch(job_id id, child& c); ///< What decides who gets the next job has changed.
  void show(job_id id, child& c);  ///< Makes it so.
  bool give_to_someone(int64_t now_ns, job& j, distributor_out& out);
  bool is_refused_by_all(const job& j) const;
  void give(int64_t now_ns, job_id to, child& c, job& j, distributor_out& out);
  void take_back(job& j, distributor_out& out);
  void come_back(job& j);
  void forget_purpose(job& j);
  void balance(int64_t now_ns, distributor_out& out);
  void balance_for(int64_t now_ns, job_id dry, child& c, distributor_out& out);
  void give_way(distributor_out& out);
  static void adapt(int64_t now_ns, child& c, int64_t waited_ns, bool more);
  void bury(int64_t now_ns, job_id id, const std::string& why, distributor_out& out);
  void fail_place(int64_t now_ns, child_place& p, const std::string& why, bool lived_long,
                  distributor_out& out);
  void make_children(int64_t now_ns, distributor_out& out);
  rset left() const;
  void release(job_id id, distributor_out& out);
  void look_for_room();
  void wake_at(int64_t ns) { wake_ns_ = wake_ns_ == 0 ? ns : std::min(wake_ns_, ns); }

  uint32_t width_;
  bool stopped_ = false;
  idset known_; // ranks for which there are places
  rset usable_;
  std::vector<child_place> places_;
  std::unordered_map<job_id, child> children_;
  std::unordered_map<job_id, job> jobs_;
  std::set<place_in_queue> queue_;
  std::set<std::pair<uint64_t, job_id>> roomy_;  // that serve and may get more, least loaded first
  std::set<std::pair<size_t, job_id>> backlogs_; // that serve, by how much they have not granted
  std::vector<job_id> touched_;
  size_t serving_ = 0;
  uint64_t running_ = 0, given_ = 0, taken_back_ = 0;
  size_t coming_back_ = 0; // jobs that children were asked for
  int64_t wake_ns_ = 0;
};

} // namespace hactor
