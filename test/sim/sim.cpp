// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "sim.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/job_archive.hpp"

namespace hactor::test {

sim::sim(const sim_options& options)
  : options_{options}, random_{options.seed},
    inventory_{whole_nodes(options.brokers, options.cores)} {}

sim::~sim() = default;

void sim::fail(std::string what) {
  if (wrong_.empty())
    wrong_ = fmt::format("seed {} step {}: {}", options_.seed, step_, what);
}

sim::seen_counts& sim::seen_counts::operator+=(const seen_counts& other) {
  for (auto each : {&seen_counts::submitted, &seen_counts::ended, &seen_counts::lost,
                    &seen_counts::cancelled, &seen_counts::timeout, &seen_counts::crashes,
                    &seen_counts::waited, &seen_counts::hopeless, &seen_counts::parts})
    this->*each += other.*each;
  return *this;
}

std::string sim::seen_counts::text() const {
  return fmt::format("{} jobs, {} ended, {} cancelled, {} over time, {} lost, {} had dependencies, "
                     "{} could not go on, {} parts came back first, {} crashes",
                     submitted, ended, cancelled, timeout, lost, waited, hopeless, parts, crashes);
}

std::string sim::run() {
  boot();
  for (; step_ < options_.steps && wrong_.empty(); ++step_) {
    random_step();
    check_invariants();
  }
  finale();
  return wrong_;
}

// -- start, crash, end ---------------------------------------------------------------------------

void sim::boot() {
  ++boot_;
  auto opened = journal::open(options_in(directory_ / "state"), nullptr);
  if (!opened) {
    fail(render(opened.error()));
    return;
  }
  store_ = std::move(*opened);
  check_journal();
  constexpr const char* policies[] = {"fcfs", "easy", "hybrid", "conservative"};
  scheduler_settings scheduling;
  scheduling.queues.push_back({"", *make_queue_policy(policies[options_.seed % 4], 0), 8, nullptr});
  scheduler_ = std::make_unique<scheduler_core>(std::move(scheduling));
  scheduler_->set_inventory(inventory_);
  net_ = std::make_unique<exec_network>(options_.brokers, options_.fanout, 100'000'000);
  net_->now_ns = now_ns_;
  net_->to_manager = [this](rank_t, const job_report& r) {
    for (auto rank : r.lost.expand())
      core_->on_rank_lost(now_ns_, rank, rank_map{options_.brokers}, *this);
    if (r.ended || r.clean.empty())
      core_->on_report(now_ns_, r, *this);
    else
      core_->on_clean(now_ns_, r, rank_map{options_.brokers}, *this);
    end_turn();
  };
  net_->settled_to_manager = [this](rank_t rank, const job_report& r) {
    core_->on_settled(now_ns_, rank, r, *this);
    end_turn();
  };
  net_->manager_lost = [this](rank_t rank) {
    told_lost_.insert(rank);
    to_scheduler_.push_back([this, rank] { scheduler_->rank_down(rank); });
    core_->on_rank_lost(now_ns_, rank, rank_map{options_.brokers}, *this);
    end_turn();
  };
  auto restored = restore_jobs(*store_, specs_, {});
  if (!restored) {
    fail(render(restored.error()));
    return;
  }
  core_ = std::move(*restored);
  check_restored();
  core_->resume(now_ns_, *this);
  for (auto& [id, fold] : folds_)
    if (fold.state == job_state::run && core_->summary(id)->exception_type != "lost")
      fail(fmt::format("{} ran when the crash came and is not lost", to_string(id)));
  end_turn();
  uint64_t last_ms = 0;
  for (auto& [id, known] : jobs_)
    last_ms = std::max(last_ms, fluid_ms(id));
  ids_ = fluid_generator{0, last_ms};
}

/// Everything in memory and under way is gone; the disk and what users know stays.
void sim::crash() {
  ++seen.crashes;
  gathering_ = {};
  committing_.clear();
  to_scheduler_.clear();
  to_manager_.clear();
  held_.clear();
  waiting_.clear();
  told_lost_.clear();
  pass_wanted_ = false;
  net_.reset();
  scheduler_.reset();
  core_.reset();
  store_.reset();
  std::erase_if(jobs_, [this](const auto& j) { // nobody was told of these, the disk has them not
    return !j.second.acknowledged && folds_.count(j.first) == 0;
  });
  boot();
}

void sim::finale() {
  for (int round = 0; round < 40 && wrong_.empty(); ++round) {
    while (deliver_one() && wrong_.empty())
      check_invariants();
    if (core_->active() == 0)
      break;
    raise_request all;
    all.jobs.states = 62;
    all.type = "cancel";
    if (round > 12) // held, or endless
      (void)core_->raise(now_ns_, all, *this);
    end_turn();
    pass_time(3'000'000'000);
  }
  if (!wrong_.empty())
    return;
  for (auto& s : core_->list({}))
    fail(fmt::format("{} never ends: {}", to_string(s.id), name_of(s.state)));
  if (!held_.empty())
    fail(fmt::format("{} still holds resources", to_string(held_.begin()->first)));
  check_journal();
  for (auto& [id, known] : jobs_)
    check_ended(id, known);
}

void sim::check_ended(job_id id, const known_job& known) {
  if (!known.acknowledged && folds_.count(id) == 0)
    return;
  auto record = store_->job(id);
  if (!record || !record->ended || record->result == job_result::none) {
    fail(fmt::format("{} has no record of its end", to_string(id)));
    return;
  }
  job_fold f;
  idset returned; // every rank once, and "final" once, with the last
  auto final = false;
  for (auto e : record->events) {
    f.apply(e);
    if (e.kind != event_kind::release)
      continue;
    auto ranks = e.text == "all" ? idset{} : *idset::parse(e.text);
    if (final || ranks.intersects(returned) || (e.text == "all" && !returned.empty()))
      fail(fmt::format("{}: {} is released again", to_string(id), e.text));
    final = e.a != 0;
    returned.add_all(ranks);
  }
  auto r = parse_rset(record->rset);
  if (!returned.empty() && (!final || !r || returned != r->ranks()))
    fail(fmt::format("{}: only {} was released", to_string(id), returned.to_string()));
  if (f.state != job_state::inactive || f.result() != record->result || f.state != folds_[id].state
      || f.exit_code() != folds_[id].exit_code())
    fail(fmt::format("{}: record and log disagree", to_string(id)));
  ++seen.ended;
  seen.lost += f.exception_type == "lost";
  seen.cancelled += f.result() == job_result::canceled;
  seen.timeout += f.result() == job_result::timeout;
}

// -- what users and the world do -----------------------------------------------------------------

void sim::random_step() {
  auto dice = below(random_, 1000);
  if (dice < 60)
    submit();
  else if (dice < 90)
    raise();
  else if (dice < 105)
    set_urgency();
  else if (dice < 112)
    move_end();
  else if (dice < 150)
    pass_time(static_cast<int64_t>(below(random_, 1'500'000'000)));
  else if (dice < 154 && options_.lose_ranks)
    lose_rank();
  else if (dice < 159 && options_.crash)
    crash();
  else
    deliver_one();
}

spec_text sim::any_spec() {
  spec_text s;
  s.cores = static_cast<uint32_t>(1 + below(random_, 2));
  if (below(random_, 2) == 0)
    s.nodes = static_cast<uint32_t>(1 + below(random_, options_.brokers));
  else
    s.slots = static_cast<uint32_t>(1 + below(random_, 6));
  if (below(random_, 30) == 0)
    s.nodes = options_.brokers + 1; // never fits
  if (below(random_, 3) == 0)
    s.duration_s = static_cast<double>(1 + below(random_, 3));
  constexpr double simulated[] = {-1, -1, -1, 0, 1, 100};
  s.simulated_s = simulated[below(random_, 6)];
  if (below(random_, 3) == 0)
    s.environment = {{"A", std::to_string(below(random_, 3))}};
  if (below(random_, 3) == 0)
    s.name = "n" + std::to_string(below(random_, 2));
  if (below(random_, 2) == 0)
    s.dependencies = any_dependencies(!s.name.empty());
  return s;
}

json sim::any_dependencies(bool named) {
  auto list = json::array();
  std::vector<job_id> targets;
  for (auto& [id, known] : jobs_)
    if (auto fold = folds_.find(id);
        core_->knows(id) || (fold != folds_.end() && fold->second.state == job_state::inactive))
      targets.push_back(id);
  for (auto n = 1 + below(random_, 3); n > 0; --n) {
    constexpr const char* schemes[] = {"afterok",     "afterany",   "afternotok", "afterstart",
                                       "afterexcept", "begin-time", "singleton"};
    std::string scheme = schemes[below(random_, 7)];
    std::string value;
    if (scheme == "begin-time")
      value = fmt::format("{:.3f}", static_cast<double>(now_ns_) / 1e9
                                        + static_cast<double>(below(random_, 4)));
    else if (scheme == "singleton" ? !named : targets.empty())
      continue;
    else if (scheme != "singleton") // mostly one of the newest
      value = to_string(
          targets[targets.size() - 1 - below(random_, std::min<uint64_t>(targets.size(), 12))]);
    list.push_back({{"scheme", scheme}, {"value", value}});
    if (below(random_, 3) == 0)
      list.back()["any"] = "x";
  }
  return list;
}

/// Of all jobs that are over, as the archive would tell them.
known_ends sim::ends() const {
  known_ends result;
  for (auto& [id, fold] : folds_)
    if (fold.state == job_state::inactive)
      result[id] = end_of(id, fold, {});
  return result;
}

void sim::submit() {
  auto spec = intern(specs_, any_spec());
  auto over = ends();
  if (core_->check_dependencies(1000, *spec, over))
    return; // it can never run
  accepted_spec a;
  a.urgency = below(random_, 4) == 0 ? static_cast<int32_t>(below(random_, 32)) : 16;
  auto n = below(random_, 4) == 0 ? 1 + below(random_, 6) : 1;
  for (uint64_t i = 0; i < n; ++i) {
    auto id = ids_.next(static_cast<uint64_t>(now_ns_ / 1'000'000 - 1'600'000'000'000));
    if (jobs_.count(id) != 0)
      fail(fmt::format("id {} was given twice", to_string(id)));
    jobs_[id].spec = spec;
    a.ids.push_back(id);
    if (n > 1)
      a.cc.push_back(static_cast<int64_t>(i * 2));
    auto& script = net_->scripts[id];
    script.endless = below(random_, 5) == 0;
    if (below(random_, 10) == 0)
      script.fails_on.insert(static_cast<rank_t>(below(random_, options_.brokers)));
    if (below(random_, 4) == 0)
      script.status[static_cast<rank_t>(below(random_, options_.brokers))] = 1 << 8;
  }
  seen.submitted += n;
  core_->accept(now_ns_, 1000, spec, a, *this, over);
  gathering_.then.emplace_back([this, ids = a.ids] {
    for (auto id : ids)
      jobs_[id].acknowledged = true;
  });
  end_turn();
}

void sim::raise() {
  raise_request r;
  r.type = below(random_, 4) == 0 ? "odd" : "cancel";
  r.severity = below(random_, 4) == 0 ? static_cast<int32_t>(below(random_, 8)) : 0;
  if (below(random_, 12) == 0) {
    constexpr uint32_t masks[] = {8, 16, 32, 62};
    r.jobs.states = masks[below(random_, 4)];
  } else if (!jobs_.empty()) {
    auto it = jobs_.begin();
    std::advance(it, below(random_, jobs_.size()));
    r.jobs.ids = {it->first};
  }
  if (auto n = core_->raise(now_ns_, r, *this); !n && r.jobs.ids.empty())
    fail(render(n.error()));
  end_turn();
}

void sim::set_urgency() {
  urgency_request r;
  r.jobs.states = 14;
  r.urgency = static_cast<int32_t>(below(random_, 32));
  list_request pending;
  pending.states = 14;
  auto waiting = core_->list(pending);
  if (!waiting.empty())
    r.jobs.ids = {waiting[below(random_, waiting.size())].id};
  if (auto n = core_->set_urgency(now_ns_, r, *this); !n)
    fail(render(n.error()));
  end_turn();
}

/// Another time limit for a job that runs.
void sim::move_end() {
  list_request request;
  request.states = 16;
  auto running = core_->list(request);
  if (running.empty())
    return;
  auto id = running[below(random_, running.size())].id;
  auto old = core_->updatable(id, true);
  if (!old)
    return fail(render(old.error()));
  auto text = parse_json((*old)->text);
  HACTOR_CHECK(text);
  (*text)["attributes"]["system"]["duration"] = below(random_, 4);
  auto next = specs_.intern(dump(*text), (*old)->environment_text());
  HACTOR_CHECK(next);
  core_->update(now_ns_, id, *next, "{}", "{}", *this);
  end_turn();
}

void sim::lose_rank() {
  auto rank = static_cast<rank_t>(1 + below(random_, options_.brokers - 1)); // 0 is the instance
  if (net_->lost.count(rank) == 0)
    net_->lose(rank, random_);
}

void sim::pass_time(int64_t ns) {
  now_ns_ += ns;
  net_->advance_time(now_ns_);
  auto deadline = core_->next_deadline_ns();
  if (deadline != 0 && deadline <= now_ns_) {
    core_->on_deadline(now_ns_, *this);
    end_turn();
  }
}

/// One message arrives, one commit is done, or one pass is made. False: nothing is under way.
bool sim::deliver_one() {
  std::vector<std::function<bool()>> can;
  auto from = [&can](std::deque<std::function<void()>>& queue) {
    if (!queue.empty())
      can.emplace_back([&queue] {
        auto f = std::move(queue.front());
        queue.pop_front();
        f();
        return true;
      });
  };
  from(to_scheduler_);
  from(to_manager_);
  if (!committing_.empty())
    can.emplace_back([this] { return commit(), true; });
  if (pass_wanted_)
    can.emplace_back([this] { return schedule(), true; });
  can.emplace_back([this] { return net_->step(random_); });
  can.emplace_back(can.back());
  std::shuffle(can.begin(), can.end(), random_);
  return std::any_of(can.begin(), can.end(), [](auto& f) { return f(); });
}

// -- the job manager's shell ----------------------------------------------------------------------

void sim::post(const job_event& e) { gathering_.batch.events.push_back(e); }

void sim::keep_spec(const spec_hash& hash, const std::string& text) {
  auto& specs = gathering_.batch.specs;
  if (std::none_of(specs.begin(), specs.end(), [&](auto& s) { return s.first == hash; }))
    specs.emplace_back(hash, text);
}

void sim::keep_record(job_record&& record) { gathering_.batch.jobs.push_back(std::move(record)); }

void sim::want_room(const job_spec_ptr& spec, const alloc_entry& entry) {
  to_scheduler_.push_back([this, spec, entry] {
    waiting_[entry.id] = {spec, entry};
    scheduler_->enqueue({entry.id, entry.priority, entry.t_submit_ns, spec->request});
    pass_wanted_ = true;
  });
}

void sim::cancel_room(job_id id) {
  to_scheduler_.push_back([this, id] {
    scheduler_->cancel(id);
    pass_wanted_ = true;
  });
}

void sim::prioritize_room(const alloc_entry& entry) {
  to_scheduler_.push_back([this, entry] {
    if (auto it = waiting_.find(entry.id); it != waiting_.end())
      it->second.second.priority = entry.priority;
    scheduler_->prioritize(entry.id, entry.priority);
    pass_wanted_ = true;
  });
}

void sim::extend_room(job_id id, int64_t end_ns) {
  to_scheduler_.push_back([this, id, end_ns] {
    scheduler_->extend(id, static_cast<double>(end_ns) * 1e-9);
    pass_wanted_ = true;
  });
}

void sim::free_room(job_id id) {
  to_scheduler_.push_back([this, id] {
    held_.erase(id);
    scheduler_->free(id, std::nullopt, true);
    pass_wanted_ = true;
  });
}

void sim::free_part(job_id id, const idset& ranks) {
  ++seen.parts;
  to_scheduler_.push_back([this, id, ranks] {
    auto& has = held_.at(id);
    auto rest = has.ranks();
    rest.remove_all(ranks);
    has = restrict_to(has, rest);
    scheduler_->free(id, ranks, false);
    pass_wanted_ = true;
  });
}

void sim::launch(const job_spec_ptr& spec, launch_item&& item) {
  gathering_.then.emplace_back([this, spec, item = std::move(item)] {
    auto& known = jobs_[item.id];
    if (known.ran)
      fail(fmt::format("{} runs a second time", to_string(item.id)));
    known.ran = true;
    auto root = item.resources.nodes.front().rank;
    if (told_lost_.count(root) != 0) {
      to_manager_.push_back([this, id = item.id] {
        core_->on_launch_failed(now_ns_, id, "its first rank is lost", *this);
        end_turn();
      });
      return;
    }
    auto plan = make_launch_plan(spec->text, spec->environment_text());
    if (!plan)
      fail(render(plan.error()));
    else
      net_->launch({*plan, item});
  });
}

void sim::signal(const rset& where, const signal_item& item) {
  gathering_.then.emplace_back([this, root = where.nodes.front().rank, item] {
    net_->signal(root, item);
  });
}

void sim::settle(job_id id, uint32_t attempt, const idset& brokers, const idset& lost) {
  for (auto rank : brokers.expand())
    net_->settle_job(rank, id, lost, attempt);
}

void sim::ended(job_id id) { gathering_.ended.push_back(id); }

/// Begins a commit unless one is under way: what it holds is on disk at once, its effects come when
/// it is delivered.
void sim::end_turn() {
  if (!committing_.empty() || !wrong_.empty()
      || (gathering_.batch.events.empty() && gathering_.then.empty()))
    return;
  committing_.push_back(std::exchange(gathering_, {}));
  if (below(random_, 20) == 0 && options_.crash && step_ < options_.steps)
    return; // slow: it reaches the disk only with its effects, a crash may come before
  auto& batch = committing_.back().batch;
  if (auto first = store_->commit(std::exchange(batch, {})); !first)
    fail(render(first.error()));
  check_journal();
}

void sim::commit() {
  auto e = std::move(committing_.front());
  committing_.pop_front();
  if (!e.batch.events.empty())
    if (auto first = store_->commit(e.batch); !first)
      fail(render(first.error()));
  check_journal();
  for (auto& f : e.then)
    f();
  for (auto id : e.ended)
    core_->forget(id);
  end_turn();
}

// -- the scheduler's ------------------------------------------------------------------------------

void sim::schedule() {
  pass_wanted_ = false;
  scheduler_->schedule(now_ns_, *this);
}

void sim::granted(job_id id, rset&& r, start_kind) {
  for (auto& [other, has] : held_)
    if (!disjoint(has, r))
      fail(fmt::format("{} was granted what {} holds", to_string(id), to_string(other)));
  auto& mine = waiting_.at(id);
  for (auto& [other, w] : waiting_)
    if (w.first == mine.first && w.second.priority == mine.second.priority
        && std::pair{w.second.t_submit_ns, other} < std::pair{mine.second.t_submit_ns, id})
      fail(fmt::format("{} overtook {}", to_string(id), to_string(other)));
  waiting_.erase(id);
  held_[id] = r;
  to_manager_.push_back([this, id, r = std::move(r)]() mutable {
    core_->on_granted(now_ns_, id, std::move(r), *this);
    end_turn();
  });
}

void sim::denied(job_id id, std::string note) {
  waiting_.erase(id);
  to_manager_.push_back([this, id, note] {
    core_->on_denied(now_ns_, id, note, *this);
    end_turn();
  });
}

void sim::cancelled(job_id id) {
  waiting_.erase(id);
  to_manager_.push_back([this, id] {
    core_->on_room_cancelled(now_ns_, id, *this);
    end_turn();
  });
}

// -- invariants -----------------------------------------------------------------------------------

/// Folds what has become durable: every event is legal, and no job has two ends.
void sim::check_journal() {
  auto err = store_->read_log(log_checked_, [this](uint64_t seq, const job_event& e) {
    if (seq != log_checked_)
      fail(fmt::format("event {} is missing", log_checked_));
    log_checked_ = seq + 1;
    check_dependencies(e);
    auto& fold = folds_[e.id];
    auto to = next_state(fold.state, e);
    if (!to || *to != e.after) {
      fail(fmt::format("{}: {} in state {}", to_string(e.id), name_of(e.kind),
                       name_of(fold.state)));
      return false;
    }
    auto copy = e;
    fold.apply(copy);
    return true;
  });
  if (err)
    fail(render(err));
}

/// As the log says until just before this event.
verdict sim::judge_durable(const job_event& e, const condition& c) const {
  if (c.kind == dependency_kind::begin_time)
    return c.begin_ns <= e.t_ns ? verdict::holds : verdict::open;
  if (c.kind != dependency_kind::singleton)
    return judge(c.kind, end_of(c.target, folds_.at(c.target), {}));
  auto& name = jobs_.at(e.id).spec->name;
  for (auto& [id, fold] : folds_)
    if (id != e.id && jobs_.at(id).spec->name == name && fold.state > job_state::depend
        && fold.state < job_state::inactive)
      return verdict::open;
  return verdict::holds;
}

/// A job leaves DEPEND when all that it depends on holds; it fails for that when some never can.
void sim::check_dependencies(const job_event& e) {
  auto& dependencies = jobs_.at(e.id).spec->dependencies;
  if (dependencies == nullptr)
    return;
  auto is_all = [&](const dependency& d, verdict v) {
    return std::all_of(d.any_of.begin(), d.any_of.end(),
                       [&](auto& c) { return judge_durable(e, c) == v; });
  };
  auto is_any = [&](const dependency& d) {
    return std::any_of(d.any_of.begin(), d.any_of.end(),
                       [&](auto& c) { return judge_durable(e, c) == verdict::holds; });
  };
  if (e.kind == event_kind::depend) {
    ++seen.waited;
    if (!std::all_of(dependencies->begin(), dependencies->end(), is_any))
      fail(fmt::format("{} goes on though a dependency does not hold", to_string(e.id)));
  }
  if (e.kind == event_kind::exception && e.text.starts_with("dependency\n")) {
    ++seen.hopeless;
    if (std::none_of(dependencies->begin(), dependencies->end(),
                     [&](auto& d) { return is_all(d, verdict::never); }))
      fail(fmt::format("{} was given up though it could go on", to_string(e.id)));
  }
}

void sim::check_restored() {
  uint64_t active = 0;
  for (auto& [id, fold] : folds_) {
    if (fold.state == job_state::inactive) {
      if (core_->knows(id))
        fail(fmt::format("{} has ended and is back", to_string(id)));
      continue;
    }
    ++active;
    auto s = core_->summary(id);
    if (!s || s->state != fold.state || s->priority != fold.priority || s->urgency != fold.urgency
        || s->waitstatus != fold.waitstatus || s->dependencies.size() != fold.dependencies.size())
      fail(fmt::format("{} was not restored as it was", to_string(id)));
  }
  if (active != core_->active())
    fail(fmt::format("{} jobs were restored, {} had not ended", core_->active(), active));
  for (auto& [id, known] : jobs_)
    if (known.acknowledged && folds_.count(id) == 0)
      fail(fmt::format("{} was acknowledged and is forgotten", to_string(id)));
}

void sim::check_invariants() {
  if (!wrong_.empty())
    return;
  uint64_t cores = 0;
  for (auto& [id, r] : held_)
    cores += r.core_count();
  if (cores > inventory_.core_count())
    fail("more cores are granted than there are");
  auto c = core_->counts();
  std::map<job_state, uint64_t> by_state;
  list_request all;
  all.states = 127;
  for (auto& s : core_->list(all)) {
    ++by_state[s.state];
    job_fold f;
    for (auto e : core_->events(s.id))
      f.apply(e);
    if (f.state != s.state || f.waitstatus != s.waitstatus || f.result() != s.result)
      fail(fmt::format("{}: its events do not say what it is", to_string(s.id)));
    if (s.state == job_state::sched && s.priority == 0 && !s.ranks.empty())
      fail(fmt::format("{} is held and has room", to_string(s.id)));
  }
  if (c.sched != by_state[job_state::sched] || c.run != by_state[job_state::run]
      || c.cleanup != by_state[job_state::cleanup] || c.depend != by_state[job_state::depend]
      || c.priority != 0)
    fail("the counts by state are wrong");
  for (auto& what : net_->wrong)
    fail(what);
  // Also when ranks were lost: room comes back only when nothing runs in it any more.
  for (auto& [where, shell] : net_->shells)
    if (auto has = held_.find(where.second);
        has == held_.end() || !has->second.ranks().contains(where.first))
      fail(fmt::format("{} runs on rank {} without room", to_string(where.second), where.first));
}

} // namespace hactor::test
