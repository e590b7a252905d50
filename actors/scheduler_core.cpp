// See scheduler_core.hpp. Here: what there is, which jobs there are. The pass is in
// scheduler_pass.cpp, explaining in scheduler_explain.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler_core.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "graph/claim_id.hpp"

#include "graph/rv1_reader.hpp"

namespace hactor {

namespace {

constexpr const char* not_up = "the nodes that are up could not take it";

} // namespace

std::string_view name_of(start_kind how) {
  constexpr std::string_view names[] = {"immediate", "backfill", "reserved"};
  return names[static_cast<size_t>(how)];
}

scheduler_core::scheduler_core(scheduler_settings settings) : settings_{std::move(settings)} {
  if (settings_.match == nullptr) {
    auto match = make_match_policy("lonode");
    HACTOR_CHECK(match);
    settings_.match = std::move(*match);
  }
  if (settings_.queues.empty())
    settings_.queues.emplace_back();
  for (auto& q : settings_.queues) {
    if (q.policy == nullptr) {
      auto fcfs = make_queue_policy("fcfs", 0);
      HACTOR_CHECK(fcfs);
      q.policy = std::move(*fcfs);
    }
    q.depth = std::clamp(q.depth, 1u, queue_depth_max);
    waiting_.add_queue(q.policy);
    queues_.emplace_back().settings = q;
  }
}

// -- resources ----------------------------------------------------------------------------------

rset scheduler_core::r_of(const running_job& job) {
  rset r;
  r.nodes = job.nodes;
  r.starttime = job.starttime;
  r.expiration = job.expiration;
  r.scheduling = job.scheduling;
  return r;
}

/// What was known of shapes was known of a graph that is no more.
void scheduler_core::resources_changed() {
  judge_tentative();
  for (auto& s : waiting_.shapes()) {
    s.compiled = nullptr;
    s.judged = false;
    s.never.clear();
  }
  changed();
}

/// Running jobs get what they hold of ranks that are not as they were before.
void scheduler_core::retake(const rset& before) {
  idset differ;
  for (auto& share : pool_->inventory().nodes) {
    auto* old = before.find(share.rank);
    if (old == nullptr || *old != share)
      differ.add(share.rank);
  }
  retake_claims(differ, before.nodes.empty());
  if (differ.empty())
    return;
  for (auto& [id, job] : running_)
    if (std::any_of(job.nodes.begin(), job.nodes.end(),
                    [&](const node_share& x) { return differ.contains(x.rank); })) {
      // A job keeps also what is gone: if the rank comes back, it is not given to another.
      auto e = pool_->take(id, r_of(job));
      HACTOR_CHECK(!e); // running jobs never overlap
    }
}

void scheduler_core::set_inventory(const rset& inventory) {
  for (uint32_t q = 0; q < queues_.size(); ++q)
    begin_pass(q);
  rset before;
  if (pool_ == nullptr) {
    auto graph = graph_of(inventory);
    HACTOR_CHECK(graph); // smaller than any bound
    auto made = resource_pool::make(std::move(*graph), settings_.match, settings_.how);
    HACTOR_CHECK(made); // an R has no rank twice, and none without cores
    pool_ = std::move(*made);
  } else {
    before = pool_->inventory();
    auto e = pool_->change_nodes(inventory);
    HACTOR_CHECK(!e);
  }
  began_ = inventory.starttime;
  ends_ = inventory.expiration;
  note_late(began_);
  retake(before);
  resources_changed();
}

caf::error scheduler_core::set_graph(resource_graph graph) {
  HACTOR_CHECK(pool_ == nullptr);
  auto made = resource_pool::make(std::move(graph), settings_.match, settings_.how);
  if (!made)
    return std::move(made.error());
  pool_ = std::move(*made);
  retake({});
  resources_changed();
  return {};
}

// -- the graph, while jobs run ------------------------------------------------------------------

/// Before the graph is changed: what was promised is taken back.
caf::error scheduler_core::begin_change() {
  if (pool_ == nullptr)
    return make_error(ec::wrong_state, "the resources are not known yet");
  for (uint32_t q = 0; q < queues_.size(); ++q)
    begin_pass(q);
  changed();
  return {};
}

caf::expected<std::vector<std::string>> scheduler_core::attach(std::string_view jgf,
                                                               const idset& ranks) {
  if (auto e = begin_change())
    return e;
  auto added = pool_->attach(jgf, ranks);
  resources_changed();
  return added;
}

caf::error scheduler_core::detach(const std::string& path) {
  if (auto e = begin_change())
    return e;
  auto e = pool_->detach(path);
  resources_changed();
  return e;
}

caf::error scheduler_core::set_status(const std::string& path, vertex_status status) {
  auto e = begin_change();
  return e ? e : pool_->set_status(path, status);
}

caf::error scheduler_core::set_property(const std::string& path, const std::string& key,
                                        const std::string& value) {
  if (auto e = begin_change())
    return e;
  auto e = pool_->set_property(path, key, value);
  resources_changed(); // constraints are read when requests are compiled
  return e;
}

caf::error scheduler_core::remove_property(const std::string& path, const std::string& key) {
  if (auto e = begin_change())
    return e;
  auto e = pool_->remove_property(path, key);
  resources_changed();
  return e;
}

std::optional<resource_graph> scheduler_core::take_graph() {
  if (pool_ == nullptr)
    return std::nullopt;
  return std::exchange(pool_, nullptr)->take_graph();
}

// -- ranks --------------------------------------------------------------------------------------

void scheduler_core::rank_down(rank_t rank) {
  down_.add(rank);
  judge_tentative();
  if (pool_ != nullptr && pool_->set_up(rank, false))
    changed(); // what is reserved there moves
}

void scheduler_core::rank_up(rank_t rank) {
  down_.remove(rank);
  if (pool_ != nullptr && pool_->set_up(rank, true))
    changed();
}

void scheduler_core::drain(rank_t rank) {
  drained_.add(rank);
  judge_tentative();
  if (pool_ != nullptr && pool_->set_drained(rank, true))
    changed();
}

void scheduler_core::undrain(rank_t rank) {
  drained_.remove(rank);
  if (pool_ != nullptr && pool_->set_drained(rank, false))
    changed();
}

// -- queues -------------------------------------------------------------------------------------

caf::error scheduler_core::no_queue(const std::string& name) const {
  if (queues_.size() == 1 && queues_[0].settings.name.empty())
    return make_error(ec::bad_argument,
                      fmt::format("queue {}: this instance has no named queues", name));
  std::string names;
  for (auto& q : queues_)
    names += (names.empty() ? "" : ", ") + q.settings.name;
  return make_error(ec::bad_argument, fmt::format("queue {}: there are {}", name, names));
}

/// The queue of a job; `nothing` when there is none of that name.
uint32_t scheduler_core::queue_of(const resource_request& request) const {
  auto& wanted = request.wants.system.queue;
  auto& name = wanted.empty() ? settings_.default_queue : wanted;
  if (name.empty())
    return 0;
  for (uint32_t q = 0; q < queues_.size(); ++q)
    if (queues_[q].settings.name == name)
      return q;
  return nothing;
}

std::optional<std::string> scheduler_core::lost_queue(const scheduler_settings& others) const {
  for (uint32_t q = 0; q < queues_.size(); ++q) {
    auto& name = queues_[q].settings.name;
    auto has = [&](const queue_settings& other) { return other.name == name; };
    if (!name.empty() && waiting_.size(q) > 0
        && std::none_of(others.queues.begin(), others.queues.end(), has))
      return name;
  }
  return std::nullopt;
}

std::vector<uint32_t> scheduler_core::named(const std::string& queue) const {
  std::vector<uint32_t> result;
  for (uint32_t q = 0; q < queues_.size(); ++q)
    if (queue.empty() || queues_[q].settings.name == queue)
      result.push_back(q);
  return result;
}

caf::error scheduler_core::stop(const std::string& queue, std::string reason) {
  auto all = named(queue);
  if (all.empty())
    return no_queue(queue);
  for (auto q : all) {
    begin_pass(q); // what it had promised holds up no other queue
    queues_[q].stopped = reason;
  }
  changed();
  return {};
}

caf::error scheduler_core::start(const std::string& queue) {
  auto all = named(queue);
  if (all.empty())
    return no_queue(queue);
  for (auto q : all)
    queues_[q].stopped.reset();
  changed();
  return {};
}

caf::error scheduler_core::disable(const std::string& queue, std::string reason) {
  auto all = named(queue);
  if (all.empty())
    return no_queue(queue);
  for (auto q : all)
    queues_[q].disabled = reason;
  return {};
}

caf::error scheduler_core::enable(const std::string& queue) {
  auto all = named(queue);
  if (all.empty())
    return no_queue(queue);
  for (auto q : all)
    queues_[q].disabled.reset();
  return {};
}

std::vector<queue_status> scheduler_core::queues() const {
  std::vector<queue_status> result;
  for (uint32_t i = 0; i < queues_.size(); ++i) {
    auto& q = queues_[i];
    auto& s = result.emplace_back();
    s.name = q.settings.name;
    s.policy = q.settings.policy->name;
    s.depth = q.settings.depth;
    s.reservation_depth = q.settings.policy->reservation_depth;
    s.enabled = !q.disabled;
    s.started = !q.stopped;
    s.enabled_note = q.disabled.value_or("");
    s.started_note = q.stopped.value_or("");
    s.is_default =
        settings_.default_queue.empty() ? i == 0 : settings_.default_queue == q.settings.name;
    s.where = q.settings.where.is_null() ? "" : dump(q.settings.where);
    s.queued = waiting_.size(i);
    s.held = waiting_.queue_at(i).held;
    s.running = q.running;
    s.reserved = q.reservations.size();
  }
  return result;
}

rset scheduler_core::nodes_of(const std::string& queue) const {
  auto& all = pool_->inventory();
  auto& where = queues_[named(queue).at(0)].settings.where;
  if (where.is_null())
    return all;
  auto compiled = constraint::compile(where, "requires");
  HACTOR_CHECK(compiled); // read when the settings were
  idset ranks;
  for (size_t i = 0; i < all.nodes.size(); ++i)
    if (compiled->matches(all.nodes[i].rank, all.host(i), all.properties))
      ranks.add(all.nodes[i].rank);
  return restrict_to(all, ranks);
}

// -- jobs ---------------------------------------------------------------------------------------

void scheduler_core::enqueue(alloc_item item) {
  HACTOR_CHECK(item.request != nullptr);
  if (running_.count(item.id) != 0 || waiting_.find(item.id) != nothing)
    return;
  auto number = queue_of(*item.request);
  if (number == nothing) {
    denied_.emplace_back(item.id, render(no_queue(item.request->wants.system.queue)));
    return;
  }
  if (item.tentative && pool_ != nullptr && !fits_what_is_up(*item.request)) {
    denied_.emplace_back(item.id, not_up);
    return;
  }
  if (item.tentative)
    tentative_.insert(item.id);
  else if (!tentative_.empty())
    tentative_.erase(item.id);
  auto shape = waiting_.shape_of(number, item.request);
  auto place = waiting_.add(item.id, item.priority, item.t_submit_ns, shape);
  if (auto latest = latest_start(waiting_.shape(shape)); latest > 0)
    next_late_ = next_late_ == 0 ? latest : std::min(next_late_, latest);
  if (item.priority == 0 || news_ == news::all)
    return;
  auto& q = queues_[number];
  bool first = q.blocked != nothing && waiting_.before(place, q.blocked);
  bool ahead = !q.reservations.empty() && waiting_.before(place, q.reservations.back().place);
  if (first || ahead)
    changed();
  else if (q.blocked == nothing)
    news_ = news::arrivals;
}

caf::error scheduler_core::recover(job_id id, const rset& r, const resource_request* request) {
  if (running_.count(id) != 0)
    return {};
  // What the inventory lacks now may come back: nobody else may hold that either.
  if (pool_ == nullptr || !contains_all(pool_->inventory(), r))
    for (const auto& [other, job] : running_)
      if (!disjoint(r_of(job), r))
        return make_error(ec::busy, fmt::format("job {} holds resources of job {}",
                                                to_string(other), to_string(id)));
  if (pool_ != nullptr) {
    for (uint32_t q = 0; q < queues_.size(); ++q)
      begin_pass(q);
    changed();
    if (auto e = pool_->take(id, r))
      return make_error(ec::busy, fmt::format("job {}: {}", to_string(id), render(e)));
  }
  auto queue = request == nullptr ? 0 : queue_of(*request);
  if (queue == nothing)
    queue = 0; // its own is no more
  if (auto place = waiting_.find(id); place != nothing) {
    queue = waiting_.shape_at(place).queue;
    drop(place);
  }
  running_.emplace(id, running_job{r.nodes, r.starttime, r.expiration, r.scheduling, queue});
  ++queues_[queue].running;
  return {};
}

/// Could the nodes that are up take it, if they were idle?
bool scheduler_core::fits_what_is_up(const resource_request& request) const {
  idset up;
  for (auto& node : pool_->inventory().nodes)
    if (!down_.contains(node.rank) && !drained_.contains(node.rank))
      up.add(node.rank);
  auto number = queue_of(request);
  if (up.empty() || number == nothing)
    return false;
  json where = {{"ranks", json::array({up.to_string()})}};
  if (auto& own = queues_[number].settings.where; !own.is_null())
    where = {{"and", json::array({own, std::move(where)})}};
  auto compiled = pool_->compile(request.wants, where);
  return compiled
         && pool_->match(*compiled, match_op::satisfiable, 0).verdict == match_verdict::matched;
}

/// Less is up than was: jobs that are not to wait for what is down are denied by the next pass.
void scheduler_core::judge_tentative() {
  for (auto i = tentative_.begin(); i != tentative_.end() && pool_ != nullptr;) {
    auto place = waiting_.find(*i);
    if (place != nothing && fits_what_is_up(*waiting_.shape_at(place).request)) {
      ++i;
      continue;
    }
    if (place != nothing) {
      drop(place);
      denied_.emplace_back(*i, not_up);
    }
    i = tentative_.erase(i);
  }
}

/// Takes a job out of the queue; what may fit then is looked at by the next pass.
void scheduler_core::drop(uint32_t place) {
  auto& q = queues_[waiting_.shape_at(place).queue];
  if (q.cut || q.blocked == place)
    changed();
  forget_reservation(place);
  if (q.blocked == place)
    q.blocked = nothing;
  waiting_.remove(place);
}

/// Requires: the job waits.
void scheduler_core::forget_reservation(uint32_t place) {
  auto& q = queues_[waiting_.shape_at(place).queue];
  auto i = std::find_if(q.reservations.begin(), q.reservations.end(),
                        [&](const reservation& r) { return r.place == place; });
  if (i == q.reservations.end())
    return;
  pool_->release(waiting_.job(place).id);
  q.reservations.erase(i);
  --waiting_.shape_at(place).reserved;
  changed();
}

void scheduler_core::cancel(job_id id) {
  auto denied =
      std::find_if(denied_.begin(), denied_.end(), [&](const auto& d) { return d.first == id; });
  if (denied != denied_.end()) {
    denied_.erase(denied);
    cancelled_.push_back(id);
    return;
  }
  auto place = waiting_.find(id);
  if (place == nothing)
    return;
  drop(place);
  cancelled_.push_back(id);
}

void scheduler_core::prioritize(job_id id, uint32_t priority) {
  auto place = waiting_.find(id);
  if (place == nothing || waiting_.job(place).priority == priority)
    return;
  forget_reservation(place);
  waiting_.set_priority(place, priority);
  changed();
}

void scheduler_core::free(job_id id, const std::optional<idset>& ranks, bool final) {
  auto i = running_.find(id);
  if (i == running_.end())
    return;
  if (final || !ranks) {
    i->second.nodes.clear();
    if (pool_ != nullptr)
      pool_->release(id);
  } else {
    auto before = r_of(i->second);
    auto rest = before.ranks();
    rest.remove_all(*ranks);
    auto kept = restrict_to(before, rest);
    i->second.came_back += before.nodes.size() - kept.nodes.size();
    i->second.nodes = std::move(kept.nodes);
    i->second.scheduling = std::move(kept.scheduling);
    if (pool_ != nullptr)
      pool_->release_ranks(id, *ranks);
  }
  // Without `final` the job stays known, empty-handed: a late replay must not queue it again.
  if (final) {
    --queues_[i->second.queue].running;
    running_.erase(i);
  }
  changed();
}

void scheduler_core::extend(job_id id, double expiration) {
  auto i = running_.find(id);
  if (i == running_.end() || i->second.expiration == expiration)
    return;
  i->second.expiration = expiration;
  if (pool_ == nullptr)
    return;
  for (uint32_t q = 0; q < queues_.size(); ++q)
    begin_pass(q); // a longer end may reach into what others were promised
  for (auto& [number, c] : claims_)
    if (c.kind == hold_kind::reserved)
      pool_->release(claim_id(number)); // so may it into these
  pool_->set_end(id, expiration);
  std::erase_if(claims_, [this](auto& x) {
    return x.second.kind == hold_kind::reserved && !retake_claim(x.first, x.second);
  });
  changed();
}

// -- asking -------------------------------------------------------------------------------------

scheduler_counts scheduler_core::counts() const {
  scheduler_counts c{waiting_.size(), waiting_.held(), running_.size(), 0};
  for (auto& q : queues_)
    c.reserved += q.reservations.size();
  return c;
}

bool scheduler_core::is_held(const idset& ranks) const {
  auto on_them = [&](const std::vector<node_share>& nodes) {
    return std::any_of(nodes.begin(), nodes.end(),
                       [&](const node_share& x) { return ranks.contains(x.rank); });
  };
  return std::any_of(running_.begin(), running_.end(),
                     [&](const auto& x) { return on_them(x.second.nodes); })
         || std::any_of(claims_.begin(), claims_.end(),
                        [&](const auto& x) { return on_them(x.second.r.nodes); });
}

const std::vector<node_share>* scheduler_core::held_by(job_id id) const {
  auto i = running_.find(id);
  return i == running_.end() ? nullptr : &i->second.nodes;
}

} // namespace hactor
