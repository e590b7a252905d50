// The pass of scheduler_core: which jobs start now, which are promised a time.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <queue>

#include <fmt/format.h>

#include "actors/growth_id.hpp"
#include "actors/scheduler_core.hpp"

namespace hactor {

namespace {

constexpr int64_t ns_per_s = 1'000'000'000;

} // namespace

/// The next job of each shape of a queue, the first of all on top.
struct scheduler_core::candidates {
  candidates(const waiting_list& waiting, uint32_t queue) : list{waiting}, heap{behind{waiting}} {
    for (auto s : list.queue_at(queue).shapes)
      if (!list.shape(s).parked)
        add(s);
  }

  /// The shape's next job without a reservation, if there is one.
  void add(uint32_t shape) {
    auto& s = list.shape(shape);
    auto next = s.jobs.nth(list.jobs(), s.reserved);
    if (next != nothing)
      heap.push(next);
  }

  /// `nothing` at the end.
  uint32_t take() {
    if (heap.empty())
      return nothing;
    auto first = heap.top();
    heap.pop();
    return first;
  }

  struct behind {
    const waiting_list& list;
    bool operator()(uint32_t a, uint32_t b) const { return list.before(b, a); }
  };

  const waiting_list& list;
  std::priority_queue<uint32_t, std::vector<uint32_t>, behind> heap;
};

/// Forgets what earlier passes promised and found not to fit.
void scheduler_core::begin_pass(uint32_t number) {
  auto& q = queues_[number];
  for (auto& r : q.reservations)
    pool_->release(waiting_.job(r.place).id);
  q.reservations.clear();
  q.parked.clear();
  q.blocked = nothing;
  for (auto i : waiting_.queue_at(number).shapes) {
    auto& s = waiting_.shape(i);
    s.reserved = 0;
    s.full = s.parked = false;
  }
}

/// Orders queues anew whose policy failed; true when there was one.
bool scheduler_core::settle_orders() {
  bool any = false;
  for (uint32_t i = 0; i < queues_.size(); ++i) {
    if (!waiting_.must_reorder(i))
      continue;
    begin_pass(i);
    waiting_.reorder(i);
    changed();
    any = true;
  }
  return any;
}

bool scheduler_core::schedule(int64_t now_ns, scheduler_out& out, uint64_t grants_max) {
  grants_left_ = grants_max;
  settle_orders();
  bool more = pass(now_ns, out);
  while (!more && settle_orders()) // a policy may fail in a pass
    more = pass(now_ns, out);
  return more;
}

/// True: as many were granted as may be at once; the next pass goes on.
bool scheduler_core::pass(int64_t now_ns, scheduler_out& out) {
  for (auto id : std::exchange(cancelled_, {}))
    out.cancelled(id);
  judge_tentative();
  for (auto& [id, note] : std::exchange(denied_, {}))
    out.denied(id, std::move(note));
  if (pool_ == nullptr || is_over(now_ns))
    return false;
  if (auto now = static_cast<double>(now_ns) * 1e-9; next_late_ > 0 && now > next_late_) {
    note_late(now);
    changed();
  }
  // A promise whose time has come and that could not be kept is made anew.
  for (auto& q : queues_)
    for (auto& r : q.reservations)
      if (news_ == news::arrivals && r.at <= now_ns / ns_per_s)
        changed();
  if (news_ == news::none)
    return false;
  ++pass_;
  bool anew = std::exchange(news_, news::none) == news::all;
  for (uint32_t i = 0; i < queues_.size() && anew; ++i)
    begin_pass(i);
  for (uint32_t i = 0; i < queues_.size() && anew; ++i)
    set_aside(i, now_ns / ns_per_s);
  for (uint32_t i = 0; i < queues_.size(); ++i) {
    if (queues_[i].stopped || queues_[i].blocked != nothing)
      continue;
    while (run_queue(i, now_ns, out)) {
      if (grants_left_ == 0) {
        changed();
        return true;
      }
      begin_pass(i);
      set_aside(i, now_ns / ns_per_s);
    }
  }
  return false;
}

/// Finds the shapes that do not fit now whatever is promised. As long as nothing is, a match knows
/// from the one before what has not changed; later each would look at the whole graph.
void scheduler_core::set_aside(uint32_t number, int64_t now_s) {
  auto& q = queues_[number];
  if (q.stopped || q.settings.policy->reservation_depth == 0 || pool_->held().reservations() > 0)
    return;
  auto& list = waiting_.queue_at(number);
  for (auto i : list.shapes) {
    auto& s = waiting_.shape(i);
    auto first = s.jobs.first(waiting_.jobs());
    if (list.order.place(waiting_.jobs(), first) >= q.settings.depth || compiled(s) == nullptr)
      continue;
    s.full = pool_->match(s.compiled, match_op::allocate, now_s).verdict != match_verdict::matched;
  }
}

/// Whether the pass has looked at as many jobs as it may before it comes to this one: those that
/// stand before it, without the parked ones, and those that it has started.
bool scheduler_core::counts_as_seen(uint32_t number, uint32_t place, uint64_t started) const {
  auto& q = queues_[number];
  auto& jobs = waiting_.jobs();
  uint64_t seen = started + waiting_.queue_at(number).order.place(jobs, place);
  for (auto i : q.parked) {
    auto& s = waiting_.shape(i);
    if (!s.parked)
      continue;
    // Its first jobs may have been promised times; those count.
    auto before = s.jobs.count_before(jobs, [&](uint32_t x) { return waiting_.before(x, place); });
    seen -= before - std::min(before, s.reserved);
  }
  return seen >= q.settings.depth;
}

/// Looks at the jobs of a queue in order. True: the depth was reached, or as many were granted as
/// may be at once, and something has started, so another pass is due.
bool scheduler_core::run_queue(uint32_t number, int64_t now_ns, scheduler_out& out) {
  auto& q = queues_[number];
  auto& policy = *q.settings.policy;
  candidates next{waiting_, number};
  uint64_t started = 0;
  q.cut = false;
  for (auto place = next.take(); place != nothing; place = next.take()) {
    auto shape = waiting_.job(place).shape;
    if (lasts_too_long(place, static_cast<double>(now_ns) * 1e-9)) {
      park(shape);
      continue;
    }
    if (waiting_.shape(shape).judged && !waiting_.shape(shape).never.empty()) {
      deny(place, out);
      next.add(shape);
      continue;
    }
    if (counts_as_seen(number, place, started)) {
      q.cut = true;
      break;
    }
    bool reserving = q.reservations.size() < policy.reservation_depth;
    if (waiting_.shape(shape).full && !reserving)
      continue;
    auto found = try_job(place, reserving, now_ns / ns_per_s);
    if (found.reserved && lasts_too_long(place, static_cast<double>(found.what.at))) {
      park(shape);
      continue;
    }
    if (found.verdict == match_verdict::matched && !found.reserved) {
      grant(place, std::move(found), now_ns, out);
      ++started;
      if (--grants_left_ == 0) {
        q.cut = true;
        break;
      }
      next.add(shape);
      continue;
    }
    auto& s = waiting_.shape(shape);
    if (found.verdict != match_verdict::matched && !never(s).empty()) {
      deny(place, out);
      next.add(shape);
      continue;
    }
    s.full = true;
    if (found.verdict == match_verdict::matched) {
      q.reservations.push_back({place, found.what.at});
      pool_->hold(waiting_.job(place).id, std::move(found.what), hold_kind::reserved);
      ++s.reserved;
      next.add(shape);
    } else if (reserving) {
      park(shape);
    }
    if (policy.stop_at_blocked) {
      q.blocked = place;
      break;
    }
  }
  for (auto& r : q.reservations)
    waiting_.job(r.place).promised = true;
  return q.cut && started > 0;
}

/// None of the shape's further jobs is looked at, or counts as looked at, before something changes.
void scheduler_core::park(uint32_t shape) {
  auto& s = waiting_.shape(shape);
  s.full = s.parked = true;
  // A shape that lost its jobs since is in the list already.
  auto& parked = queues_[s.queue].parked;
  if (std::find(parked.begin(), parked.end(), shape) == parked.end())
    parked.push_back(shape);
}

const match_request_ptr& scheduler_core::compiled(job_shape& s) {
  if (s.compiled != nullptr || s.judged)
    return s.compiled;
  auto request = pool_->compile(s.request->wants, queues_[s.queue].settings.where);
  if (request) {
    s.compiled = std::move(*request);
  } else {
    s.judged = true;
    s.never = render(request.error());
  }
  return s.compiled;
}

/// Why no job of this shape can ever run here, "" if it can.
const std::string& scheduler_core::never(job_shape& s) {
  if (!s.judged && compiled(s) != nullptr) {
    s.never = judge(s);
    s.judged = true;
  }
  return s.never;
}

match_result scheduler_core::try_job(uint32_t place, bool reserving, int64_t now_s) {
  auto& request = compiled(waiting_.shape_at(place));
  if (request == nullptr) {
    match_result none;
    none.verdict = match_verdict::unsatisfiable;
    return none;
  }
  auto op = !reserving                      ? match_op::allocate
            : waiting_.shape_at(place).full ? match_op::reserve
                                            : match_op::allocate_or_reserve;
  return pool_->match(request, op, now_s);
}

void scheduler_core::grant(uint32_t place, match_result&& found, int64_t now_ns,
                           scheduler_out& out) {
  auto job = waiting_.job(place);
  auto& s = waiting_.shape_at(place);
  auto& q = queues_[s.queue];
  auto r = pool_->r_of(found.what, *s.request);
  if (r.nodes.empty()) {
    waiting_.remove(place);
    out.denied(job.id, fmt::format("{}: has neither cores nor GPUs of a node, so nothing can run",
                                   describe(*s.request)));
    return;
  }
  r.starttime = static_cast<double>(now_ns) / 1e9;
  r.expiration = end_after(r.starttime, s.request->duration_s);
  auto how = job.promised             ? start_kind::reserved
             : q.reservations.empty() ? start_kind::immediate
                                      : start_kind::backfill;
  pool_->hold(job.id, std::move(found.what), hold_kind::allocated);
  running_.emplace(job.id, running_job{r.nodes, r.starttime, r.expiration, r.scheduling, s.queue});
  ++q.running;
  waiting_.remove(place);
  out.granted(job.id, std::move(r), how);
}

/// When a job ends that begins at `start`: nothing lasts longer than what it has. 0: never.
double scheduler_core::end_after(double start, double duration_s) const {
  if (duration_s <= 0)
    return ends_;
  return ends_ > 0 ? std::min(start + duration_s, ends_) : start + duration_s;
}

/// Until when a job of the shape may start; 0: at any time. It may lack less than a second or a
/// hundredth of its limit: who asks for all the time that an instance has does so a moment after
/// its beginning, and means what is left.
double scheduler_core::latest_start(const job_shape& s) const {
  constexpr double lacking_s = 1, lacking_share = 0.01;
  constexpr double rounded_s = 1e-6; // times in R are of no use beyond that
  auto wanted = s.request->duration_s;
  if (ends_ <= 0 || wanted <= 0 || settings_.cut_at_end)
    return 0;
  return ends_ - wanted + std::max(lacking_s, lacking_share * wanted) - rounded_s;
}

/// Whether it could not finish if it began at `from`. What a running job gets besides ends with it.
bool scheduler_core::lasts_too_long(uint32_t place, double from) const {
  auto latest = latest_start(waiting_.shape_at(place));
  return latest != 0 && from > latest && !is_growth(waiting_.job(place).id);
}

/// Finds when the next of what waits becomes late.
void scheduler_core::note_late(double now) {
  next_late_ = 0;
  for (auto& s : waiting_.shapes())
    if (auto latest = s.request != nullptr && s.users > 0 ? latest_start(s) : 0; latest > now)
      next_late_ = next_late_ == 0 ? latest : std::min(next_late_, latest);
}

bool scheduler_core::is_over(int64_t now_ns) const {
  constexpr double least_s = 0.001; // of a job; and times in R tell no two nanoseconds apart
  return ends_ > 0 && static_cast<double>(now_ns) * 1e-9 + least_s >= ends_;
}

void scheduler_core::deny(uint32_t place, scheduler_out& out) {
  auto id = waiting_.job(place).id;
  auto note = "unsatisfiable: " + waiting_.shape_at(place).never;
  waiting_.remove(place);
  out.denied(id, std::move(note));
}

caf::error scheduler_core::feasible(const std::shared_ptr<const resource_request>& request) {
  auto number = queue_of(*request);
  if (number == nothing)
    return no_queue(request->wants.system.queue);
  auto& q = queues_[number];
  if (q.disabled)
    return make_error(
        ec::wrong_state,
        fmt::format("{}takes no jobs: {}",
                    q.settings.name.empty() ? "this instance " : "queue " + q.settings.name + " ",
                    q.disabled->empty() ? "it was disabled, without a reason" : *q.disabled));
  if (pool_ == nullptr)
    return {};
  auto& s = waiting_.shape(waiting_.shape_of(number, request));
  if (never(s).empty())
    return {};
  return make_error(s.compiled == nullptr ? ec::bad_jobspec : ec::unsatisfiable, s.never);
}

} // namespace hactor
