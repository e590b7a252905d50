// What happens next to each job: the job manager without actors, clock or disk. Every change of a
// job is an event; the core posts events through job_manager_out and asks there for what must
// follow (room, launch, signals). The rule that an event is durable before its effect is seen
// outside is kept by the actor, which delays the effects named "after durable" below. Called by
// actors/job_manager.cpp and by the simulator. States: actors/job_state.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/job_ends.hpp"
#include "actors/job_spec.hpp"
#include "actors/job_state.hpp"
#include "actors/messages.hpp"
#include "actors/rank_map.hpp"

namespace hactor {

class job_constraint;

/// Everything the job manager can cause.
struct job_manager_out {
  virtual ~job_manager_out() = default;
  virtual void post(const job_event& e) = 0;
  virtual void keep_spec(const spec_hash& hash, const std::string& text) = 0;
  virtual void keep_record(job_record&& record) = 0;
  virtual void want_room(const job_spec_ptr& spec, const alloc_entry& entry) = 0;
  virtual void cancel_room(job_id id) = 0;
  virtual void prioritize_room(const alloc_entry& entry) = 0;
  virtual void free_room(job_id id) = 0;
  /// A job that has room is to end at another time than was granted; 0: never.
  virtual void extend_room(job_id id, int64_t end_ns) = 0;
  virtual void launch(const job_spec_ptr& spec, launch_item&& item) = 0; // after durable
  virtual void signal(const rset& where, const signal_item& item) = 0;
  /// Ask the execs of these brokers to end this attempt of the job, which lost one, and to tell
  /// when it is gone.
  virtual void settle(job_id id, uint32_t attempt, const idset& brokers, const idset& lost) = 0;
  virtual void ended(job_id id) = 0; // after durable: the record is on disk, the core may forget
  /// Something was heard of a job that is none of its events.
  virtual void heard(job_id) {}
  /// What a job that goes on, or is not all clean yet, has on these ranks comes back.
  virtual void free_part(job_id, const idset&) {}
  // Of jobs that grow; nothing for those who never ask for it.
  /// After durable: the job has this besides; or, with an empty `part`, never will.
  virtual void grown(job_id, const rset&, const std::string&) {}
};

class job_manager_core {
public:
  /// Takes in jobs of one spec that ingest has checked. `ends`: of all jobs that it depends on and
  /// that are not known() any more. Requires: ids are new and ascending; check_dependencies is
  /// content.
  void accept(int64_t now_ns, uint32_t userid, const job_spec_ptr& spec, const accepted_spec& jobs,
              job_manager_out& out, const known_ends& ends = {});

  /// Could all that the jobspec depends on come to hold? Errors: ec::unknown_job,
  /// ec::unsatisfiable, ec::not_permitted (a job of another user).
  /// `together`: ids of jobs that are submitted with it. `cc`: of its jobs, if they are of an
  /// array; those that wait for a job of their index, and could never run, are no error if others
  /// could.
  caf::error check_dependencies(uint32_t userid, const job_spec& spec, const known_ends& ends,
                                const std::set<job_id>& together = {},
                                const std::vector<int64_t>& cc = {}) const;

  struct named_jobs {
    std::vector<found_job> jobs;
    int64_t since_ns = 0; // when the first was submitted that has not ended; 0: all have
    int64_t last_ns = 0;  // when the last of that name was; 0: there is none
  };
  /// Jobs in memory of a user and name; with `of_copies` those of arrays, and of these the ones
  /// that it names. No more active ones than `max`. O(those, and arrays of that name).
  named_jobs named(uint32_t userid, const std::string& name, const job_reference& wanted,
                   size_t max) const;
  /// Of which array the job is, if it is in memory.
  array_reply array_with(job_id id) const;

  /// Restart: a job that had not ended, with its events so far in order. Nothing is posted yet.
  /// What follows a hole in the events is left out; such a job is not run again.
  void restore(const job_spec_ptr& spec, const job_record& record,
               const std::vector<job_event>& events);

  /// Restart, once all are restored: waiting jobs are queued again, jobs that ran are marked lost.
  void resume(int64_t now_ns, job_manager_out& out);

  /// Restart: jobs that had ended before, of which nothing else is kept here, are counted too.
  void count_before(const std::map<job_result, uint64_t>& ended);

  /// `how`: immediate, backfill or reserved; "" when that is not known.
  void on_granted(int64_t now_ns, job_id id, rset&& resources, job_manager_out& out,
                  std::string_view how = {});
  /// Was it granted before the scheduler heard that a broker of it is lost?
  bool has_lost(const rset& resources, const rank_map& where) const;
  /// Such a grant is given back, and room is asked for again.
  void on_void_grant(int64_t now_ns, job_id id, job_manager_out& out);
  /// Nothing is started any more: the grant of a job that waits is given back, and it waits on,
  /// for the next start of the instance.
  void on_late_grant(job_id id, job_manager_out& out);
  void on_denied(int64_t now_ns, job_id id, const std::string& note, job_manager_out& out);

  // -- jobs that grow and shrink while they run (job_manager_resize.cpp) --------------------------

  /// Asks for so many more nodes, each with as many cores and GPUs as the job's first. Returns the
  /// id under which the scheduler knows this; job_manager_out::grown tells what has come of it.
  /// Errors: ec::unknown_job, ec::wrong_state (it does not run).
  caf::expected<job_id> grow(int64_t now_ns, job_id id, uint32_t nodes, job_manager_out& out);
  /// No longer wanted; what was granted already stays. `why`: for job_manager_out::grown.
  void stop_growing(job_id growth, const std::string& why, job_manager_out& out);
  bool is_growing(job_id growth) const { return growths_.count(growth) != 0; }
  /// What the job waits for, under the id of grow(); none: nothing.
  std::optional<job_id> growth_of(job_id id) const;
  /// The job has given these of its nodes back. Its first one it keeps.
  void shrink(int64_t now_ns, job_id id, const idset& ranks, job_manager_out& out);
  void on_room_cancelled(int64_t now_ns, job_id id, job_manager_out& out);
  void on_report(int64_t now_ns, const job_report& report, job_manager_out& out);
  /// Some brokers of a job that ends are clean, and others not for a while: the first come back.
  void on_clean(int64_t now_ns, const job_report& report, const rank_map& where,
                job_manager_out& out);

  /// The launch never reached its first rank.
  void on_launch_failed(int64_t now_ns, job_id id, const std::string& why, job_manager_out& out);

  /// A broker died: jobs on it get a fatal exception, and end when every other broker of theirs has
  /// told that nothing of them runs there: the tree that gathers ends may be broken.
  void on_rank_lost(int64_t now_ns, rank_t broker, const rank_map& where, job_manager_out& out);

  /// Nothing of the job runs on this broker any more; what the report holds was heard nowhere else.
  void on_settled(int64_t now_ns, rank_t rank, const job_report& report, job_manager_out& out);

  /// Raises an exception; returns how many jobs it was raised on. Errors: ec::unknown_job,
  /// ec::wrong_state when ids has one id and it has ended.
  /// `of_children`: without ids, also on children of an instance that gives its jobs to them.
  caf::expected<uint64_t> raise(int64_t now_ns, const raise_request& r, job_manager_out& out,
                                bool of_children = false);

  /// Errors: ec::unknown_job; ec::wrong_state when a named job does not run.
  caf::expected<uint64_t> kill(const kill_request& r, job_manager_out& out);

  /// Errors: ec::unknown_job; ec::wrong_state when a named job no longer waits.
  /// What update() would change of one job, if it may. Errors: ec::unknown_job, ec::wrong_state (it
  /// has ended; it runs and more than its time limit is to change; it waits for namesakes).
  caf::expected<job_spec_ptr> updatable(job_id id, bool limit_only) const;
  /// The job's jobspec is `spec` from now on, by `changes` of what was `old_values`. Has the
  /// scheduler judge it again, or moves the end of a job that runs. No effect on a job that has
  /// ended meanwhile.
  void update(int64_t now_ns, job_id id, const job_spec_ptr& spec, const std::string& changes,
              const std::string& old_values, job_manager_out& out);
  /// When the instance itself ends, and all its jobs with it; 0: never. Moves the ends of jobs that
  /// run, which have no room for longer.
  void set_end(int64_t now_ns, int64_t end_ns, job_manager_out& out);
  caf::expected<uint64_t> add_memo(int64_t now_ns, const memo_request& r, job_manager_out& out);
  caf::expected<uint64_t> set_urgency(int64_t now_ns, const urgency_request& r,
                                      job_manager_out& out);

  /// Ends what is over its time limit, warns what soon will be, begins what has waited for a time.
  /// Call at or after next_deadline_ns().
  void on_deadline(int64_t now_ns, job_manager_out& out);
  int64_t next_deadline_ns() const; ///< 0: none.
  /// The clock that the `now_ns` of all calls comes from was set: it is `by_ns` ahead of before.
  /// Limits and pauses last as long as they were to; times that somebody has named stay.
  void on_clock_set(int64_t by_ns);

  /// Takes back a job whose submit event could not be made durable: nobody has been told of it.
  /// Posts nothing. Requires: it was never launched.
  void withdraw(job_id id, job_manager_out& out);

  /// Drops an ended job whose record is durable; a waitable one can be waited for from now on.
  void forget(job_id id);

  /// Of waitable jobs: which have ended, who was told, and whether others have not ended yet.
  job_ends& ends() { return job_ends_; }
  bool awaits_waitable() const { return waitable_active_ > 0; }

  bool knows(job_id id) const { return jobs_.count(id) != 0; }
  size_t active() const { return jobs_.size(); }

  /// Errors: ec::unknown_job.
  caf::expected<job_summary> summary(job_id id) const;
  caf::expected<job_reply> whole(job_id id) const;
  /// Brokers that run the job, as ranks of R; empty before alloc.
  idset ranks(job_id id) const;
  std::vector<job_event> events(job_id id) const;

  /// Active jobs that match, in the order of a listing; those that `only` means, when it's given.
  std::vector<job_summary> list(const list_request& request, job_constraint* only = nullptr) const;

  job_counts counts() const;

  /// Who holds room and who waits for some.
  rooms_reply rooms() const;

  /// What an active job waits for, and the brokers that know more (job_manager_waits.cpp).
  /// Errors: ec::unknown_job.
  caf::expected<job_waits_reply> waits_of(int64_t now_ns, job_id id, const rank_map& where) const;
  /// Jobs that lost a broker and whom they wait for, as sentences; at most `max` of them.
  std::vector<std::string> waits(size_t max) const;

private:
  /// A job that lost a broker: it has ended when its tree says so, and everybody is gone.
  struct settling {
    idset due;           // brokers that have not told
    bool tree_ended = false;
    job_report end;      // of the tree
    job_report parts;    // what was heard beside it
  };
  struct job;
  using job_entry = std::pair<const job_id, job>; // of jobs_, where it stays as long as it lives
  /// Jobs in the order in which they came, linked by themselves.
  struct name_chain {
    job_entry *first = nullptr, *last = nullptr;
  };
  /// Jobs of one user and name, or of a group.
  struct namesakes {
    uint64_t jobs = 0;           // in memory
    uint64_t active = 0;         // past DEPEND and not ended
    uint64_t most = 1;           // active at once, of those that wait for that
    std::set<job_id> singletons; // wait for there to be fewer active ones, and for nothing else
    name_chain single, copies;   // of names: those of no array, and of arrays
    bool mixed = false;          // jobs of an array need not stand side by side: some were renamed
  };
  using user_and_name = std::pair<uint32_t, std::string>;
  struct name_hash {
    size_t operator()(const user_and_name& k) const noexcept {
      return std::hash<std::string>{}(k.second) ^ k.first;
    }
  };
  /// A condition of a job's dependencies: places in the spec's list, and in the dependency.
  struct condition_of {
    job_id id;
    uint32_t dependency = 0, place = 0;
    friend auto operator<=>(const condition_of&, const condition_of&) = default;
  };
  /// What a job got beside its first grant, by the ids under which the scheduler knows it.
  struct growth_of_job {
    std::vector<std::pair<job_id, rset>> parts;
    rset whole; // with the first grant
  };
  struct wanted_growth {
    job_id job;
    job_spec_ptr spec;
    alloc_entry entry;
  };
  /// A job that is not to run again where it has failed.
  struct elsewhere_job {
    rset last; // where that was
    job_spec_ptr spec;
  };
  struct job {
    job_spec_ptr spec;
    int64_t cc = -1;
    job_fold fold;
    std::string log;            // events in the journal's binary form, without ids
    int64_t log_last_ns = 0;
    rset resources;                // of its first grant, on which its tasks run
    std::unique_ptr<growth_of_job> grown; // what it got besides
    bool room_wanted = false;   // the scheduler has it queued
    bool moves = false;         // ... as it was: it is to be queued anew once that is taken back
    bool launched = false;      // exec has it, its end report is due
    bool damaged = false;       // restored from a log with a hole
    int64_t t_start_ns = 0; // of this attempt, when it has started
    int64_t deadline_ns = 0;
    int64_t warn_ns = 0;             // 0: no warning is due
    std::unique_ptr<job_report> end; // usage and outputs, once ended
    std::unique_ptr<settling> settle; // it lost a broker
    std::map<uint32_t, uint32_t> open; // in DEPEND: dependencies, how many conditions have failed
    uint32_t open_unnamed = 0;         // those of them that no end of a namesake can close
    namesakes* name = nullptr;
    job_entry *name_before = nullptr, *name_after = nullptr; // in the chain of its name
    namesakes* flight = nullptr; // its group, of which so many may be active at once; null: none
    bool is_active = false;      // counted in name->active and flight->active
    int64_t retry_ns = 0;   // in PRIORITY: when it is to be started again; 0: it waits for no time
    /// In PRIORITY and SCHED: asks for nodes on which it did not just fail.
    std::unique_ptr<elsewhere_job> elsewhere;
    int64_t init_ns = 0;    // of this attempt: when its shells ran
    std::unique_ptr<task_end> first_exit; // likewise, of a task while others run; null: none
    uint32_t place = UINT32_MAX; // in listed_
  };
  /// What decides whether a listing shows a job, and where. These lie side by side: a listing looks
  /// at all of a million, and must not go to each job.
  struct listed {
    job_id id;
    int64_t t_run = 0;
    uint32_t priority = 0;
    job_state state = job_state::none;
  };

  void post(int64_t now_ns, job_id id, job& j, job_event e, job_manager_out& out);
  void post(int64_t now_ns, job_id id, job& j, event_kind kind, job_manager_out& out);
  void enqueue(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  void fail(int64_t now_ns, job_id id, job& j, std::string type, std::string note, int severity,
            int64_t userid, int64_t wait_status, job_manager_out& out);
  void end_settled(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  job_summary summary_of(job_id id, const job& j) const;
  bool is_waitable(const job& j) const { return (j.fold.flags & submit_flag_waitable) != 0; }
  void limit_start(int64_t granted_ns, job_id id, job& j);
  void begin_limit(int64_t now_ns, job_id id, job& j);
  void set_deadline(int64_t at_ns, job_id id, job& j);
  int64_t end_after(int64_t start_ns, const job& j) const;
  void move_end(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  void end_limit(job_id id, job& j);
  void warn_due(int64_t now_ns, job_manager_out& out);
  void finish_cleanup(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  void on_room_given_back(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  // Dependencies: job_manager_depend.cpp.
  void name_job(job_id id, job& j);
  void unname_job(job& j);
  static user_and_name name_of_job(const job& j);
  static name_chain& chain_of(job& j);
  static bool is_of_array(const job& j) { return j.cc >= 0 && j.spec->array != nullptr; }
  static bool note_named(const job& j, named_jobs& to);
  static void add_named(const job_entry& e, named_jobs& to);
  job_entry* add_array(const namesakes& all, job_entry* at, const job_reference& wanted,
                       named_jobs& to) const;
  void begin_to_depend(int64_t now_ns, job_id id, job& j, const known_ends& ends,
                       job_manager_out& out);
  void depend_again(job_id id, job& j);
  void resume_depend(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  caf::expected<job_end> find_target(uint32_t userid, job_id id, const known_ends& ends,
                                     const std::set<job_id>& together) const;
  job_end facts_of(job_id id, const known_ends& ends) const;
  verdict judge_now(int64_t now_ns, const condition& c, int64_t cc, const known_ends& ends) const;
  void open_dependency(job_id id, job& j, uint32_t dependency, const std::vector<bool>& failed);
  void close_dependency(job_id id, job& j, uint32_t dependency);
  void close_dependency(int64_t now_ns, job_id id, job& j, uint32_t dependency,
                        job_manager_out& out);
  void stop_to_depend(job_id id, job& j);
  void leave_depend(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  bool is_hopeless(const job& j, uint32_t dependency) const;
  void tell_dependents(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  void begin_singletons(int64_t now_ns, namesakes& name, job_manager_out& out);
  void join_flight(job& j);
  void leave_flight(job& j);
  void count_active(int64_t now_ns, job& j, bool active, job_manager_out& out);
  idset ranks_of(job_id id, const known_ends& ends) const;
  caf::error place_beside(int64_t now_ns, job_id id, job& j, const condition& c,
                          const idset& ranks, job_manager_out& out);
  void fail_to_depend(int64_t now_ns, job_id id, job& j, std::string why, job_manager_out& out);
  // Jobs that are started again, and those of which too many failed: job_manager_retry.cpp.
  bool begin_again(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  void ask_for_room(job_id id, const job& j, job_manager_out& out);
  static void avoid(job& j, rset last);
  static job_record live_record(job_id id, const job& j);
  // What a job has: job_manager_resize.cpp.
  static const rset& all_of(const job& j);
  static rset held_of(const job& j); ///< Of its first grant, what has not been given back.
  static job_spec_ptr growth_spec(int64_t now_ns, const job& j, uint32_t nodes);
  void on_grown(int64_t now_ns, job_id growth, rset&& part, job_manager_out& out);
  void resized(int64_t now_ns, job_id id, job& j, job_manager_out& out);
  void post_finish(int64_t now_ns, job_id id, job& j, int32_t status, job_manager_out& out);
  void post_release(int64_t now_ns, job_id id, job& j, const idset& ranks, bool final,
                    job_manager_out& out);
  void give_back(job_id id, job& j, job_manager_out& out);
  void retry_due(int64_t now_ns, job_manager_out& out);
  void take_end(job& j, const job_report& report) const;
  void join_group(job_id id, const job& j);
  void leave_group(job_id id, const job& j);
  void count_failure(int64_t now_ns, job_id id, const job& j, job_manager_out& out);
  void follow_ends(int64_t now_ns, job_manager_out& out);
  void begin_due(int64_t now_ns, job_manager_out& out);

  void show(job_id id, job& j); ///< What a listing looks at has changed.
  void hide(const job& j);
  static bool shown_before(const listed& a, const listed& b);

  caf::expected<std::vector<job_id>> select(const job_selection& s, uint32_t wanted_states,
                                            const char* wanted, bool children = false) const;
  void count(job_state from, job_state to);
  void count_result(job_result result, int64_t by);

  std::unordered_map<job_id, job> jobs_;
  std::vector<listed> listed_; // one for each of jobs_
  std::set<std::pair<int64_t, job_id>> deadlines_;
  std::set<std::pair<int64_t, job_id>> warnings_;        // signals before a time limit
  std::set<std::pair<int64_t, condition_of>> begins_;    // times, and what waits for them
  std::set<std::pair<job_id, condition_of>> dependents_; // jobs, and what waits for them
  std::set<std::pair<int64_t, job_id>> retries_;         // times at which jobs are started again
  /// Jobs of one submission that has a limit of failures.
  struct fail_group {
    std::set<job_id> active;
    uint32_t failed = 0;
  };
  std::unordered_map<std::string, fail_group> groups_;
  std::unordered_map<user_and_name, namesakes, name_hash> names_;
  std::unordered_map<user_and_name, namesakes, name_hash> flights_; // by their groups
  struct placed_spec {
    job_spec_ptr from, to;
    std::string where;
  };
  placed_spec beside_; // the last that place_beside made: copies of a submission share it
  std::map<job_id, wanted_growth> growths_; // that have no room yet
  uint64_t growths_made_ = 0;
  std::deque<job_id> ended_; // whose dependents have not been told
  bool following_ = false;   // ended_ is being worked off, or is to gather
  job_counts counts_;
  idset lost_; // brokers
  int64_t ends_ns_ = 0;                            // of the instance; 0: never
  job_ends job_ends_; // of waitable ones
  uint64_t waitable_active_ = 0; // have not ended
};

/// What others may depend on of a job with this fold.
job_end end_of(job_id id, const job_fold& fold, const rset& resources);

/// A job's summary from its parts; also used for records read back from disk.
job_summary summarize(job_id id, const job_fold& fold, const job_spec& spec, int64_t cc,
                      const rset* resources, const job_report* end);

/// Does a listing mean a job of this jobspec and user, and one with these resources?
bool is_meant(const list_request& r, const job_spec& spec, int64_t cc, uint32_t userid);
bool is_on(const list_request& r, const rset& resources);

/// job_record.extra: usage and output addresses.
std::string encode_extra(const job_report& end);
job_report decode_extra(std::string_view text);

} // namespace hactor
