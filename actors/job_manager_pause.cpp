// The job manager on a full disk. Jobs whose submit event is not durable are taken back and their
// clients told, since nobody knows their ids yet; what has happened to other jobs is kept and tried
// again, ever more rarely, together with a probe that claims some room, so that a few bytes that
// come free do not look like room. Meanwhile no job is accepted or started; signals still go out.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_set>

#include "actors/job_manager.hpp"
#include "actors/service_maker.hpp"
#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

/// How soon a commit is tried again that found the disk full: doubles from the first to the second.
constexpr std::chrono::milliseconds retry_wait_min{250};
constexpr std::chrono::milliseconds retry_wait_max{4000};

/// Tries, each after the shortest wait, that the end of an instance waits for: 2 s.
constexpr int drain_tries_max = 8;

/// The room that a probe claims: some hundred jobs' worth.
constexpr size_t probe_bytes = 256 << 10;
constexpr const char* probe_name = "probe";

bool is_probe(const std::pair<std::string, std::string>& m) { return m.first == probe_name; }

std::pair<std::string, std::string> make_probe() {
  return {probe_name, std::string(probe_bytes, 'p')};
}

bool has_ends(const journal_batch& b) {
  return std::any_of(b.jobs.begin(), b.jobs.end(), [](const job_record& r) { return r.ended; });
}

template <class T>
void move_behind(std::vector<T>& to, std::vector<T>& from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

template <class T, class Id>
void drop(std::vector<T>& list, const std::unordered_set<job_id>& ids, Id id_of) {
  std::erase_if(list, [&](const T& x) { return ids.count(id_of(x)) != 0; });
}

} // namespace

void job_manager_state::pause(const caf::error& e) {
  if (paused.empty()) {
    log_error("{}: paused, no job is taken in or started: {}",
              log_title("job-manager", peers.instance), render(e));
    retry_wait = retry_wait_min;
  } else {
    retry_wait = draining ? retry_wait_min : std::min(2 * retry_wait, retry_wait_max);
  }
  drain_tries += draining;
  paused = render(e);
  withdraw_submitted();
  auto why = make_error(ec::disk_full, "not done: " + paused);
  for (auto* unit : {&committing, &gathering}) {
    for (auto& answer : std::exchange(unit->answers, {}))
      answer(why);
    signal_now(unit->signals);
  }
  take_ends();
  retry_due = true;
  self->delayed_send(self, retry_wait, retry_atom_v);
  end_turn();
  tell_if_drained();
}

caf::error job_manager_state::unwritten() const {
  return make_error(ec::disk_full, "done, but lost if the instance ends before it could be written "
                                   "down: " + paused);
}

/// Ends of jobs go first and without the probe: for them the journal has set some room aside, so
/// that what fills the disk can be forgotten.
void job_manager_state::take_ends() {
  if (has_ends(gathering.batch)) {
    auto more = std::exchange(gathering, {});
    auto& c = committing;
    move_behind(c.batch.events, more.batch.events);
    move_behind(c.batch.specs, more.batch.specs);
    move_behind(c.batch.jobs, more.batch.jobs);
    move_behind(c.batch.meta, more.batch.meta);
    move_behind(c.batch.blobs, more.batch.blobs);
    move_behind(c.launches, more.launches);
    move_behind(c.signals, more.signals);
    move_behind(c.after, more.after);
    move_behind(c.answers, more.answers);
    move_behind(c.ended, more.ended);
    c.submits |= more.submits;
    kept_specs.clear();
  }
  std::erase_if(committing.batch.meta, is_probe);
  if (!has_ends(committing.batch))
    committing.batch.meta.push_back(make_probe());
}

/// A commit has found room. What is left to see is whether there is enough for others.
void job_manager_state::go_on_or_probe() {
  auto& meta = committing.batch.meta;
  if (std::any_of(meta.begin(), meta.end(), is_probe))
    go_on();
  else
    gathering.batch.meta.push_back(make_probe());
}

/// Jobs whose submit event is not durable leave without a trace.
void job_manager_state::withdraw_submitted() {
  std::unordered_set<job_id> ids;
  for (auto* unit : {&committing, &gathering})
    for (auto& e : unit->batch.events)
      if (e.kind == event_kind::submit)
        ids.insert(e.id);
  if (ids.empty())
    return;
  for (auto id : ids) {
    core.withdraw(id, *this);
    followers.erase(id);
  }
  for (auto* unit : {&committing, &gathering}) {
    drop(unit->batch.events, ids, [](const job_event& e) { return e.id; });
    drop(unit->batch.jobs, ids, [](const job_record& r) { return r.id; });
    std::set<spec_hash> of_changed; // jobs that stay; the others came with these
    for (auto& r : unit->batch.jobs)
      of_changed.insert(r.spec);
    std::erase_if(unit->batch.specs,
                  [&of_changed](auto& s) { return of_changed.count(s.first) == 0; });
    drop(unit->launches, ids, [](const launch_order& o) { return o.item.id; });
    drop(unit->signals, ids, [](const signal_order& o) { return o.item.id; });
    drop(unit->ended, ids, [](job_id id) { return id; });
  }
  kept_specs.clear();
}

void job_manager_state::go_on() {
  log_notice("{}: the disk has room again, jobs are taken in and started again",
             log_title("job-manager", peers.instance));
  paused.clear();
  drain_tries = 0;
  gathering.batch.meta.emplace_back(probe_name, ""); // its room is for what comes now
}

void job_manager_state::on_retry() {
  if (std::exchange(retry_due, false))
    send_batch();
}

bool job_manager_state::is_drain_hopeless() const { return drain_tries >= drain_tries_max; }

/// Signals do not wait for room: what fills the disk must be possible to end. A job that is to end
/// and whose launch waits for room is not launched any more.
void job_manager_state::signal_now(std::vector<signal_order>& orders) {
  if (orders.empty())
    return;
  auto due = std::exchange(orders, {});
  std::unordered_set<job_id> ending;
  for (auto& o : due)
    if (o.item.terminate)
      ending.insert(o.item.id);
  std::unordered_set<job_id> unlaunched;
  for (auto* unit : {&committing, &gathering}) {
    for (auto& o : unit->launches)
      if (ending.count(o.item.id) != 0)
        unlaunched.insert(o.item.id);
    drop(unit->launches, unlaunched, [](const launch_order& o) { return o.item.id; });
  }
  drop(due, unlaunched, [](const signal_order& o) { return o.item.id; });
  for (auto id : unlaunched)
    core.on_launch_failed(now(), id, "it was ended before it could be started", *this);
  send_signals(due);
}

} // namespace hactor
