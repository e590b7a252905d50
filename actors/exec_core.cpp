// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/exec_core.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>

#include <fmt/format.h>

#include "actors/job_state.hpp"
#include "actors/task_warning.hpp"
#include "runtime/duration.hpp"
#include "runtime/hostlist.hpp"

namespace hactor {

namespace {

/// So late at most is the first end of a task told of while others run.
constexpr int64_t first_exit_delay_ns = 200'000'000;

} // namespace

std::vector<int64_t> add_memory_limit(const job_origin& origin, int64_t own) {
  auto bound = [](int64_t limit) { return limit > 0; };
  auto limits = origin.memory;
  if (own <= 0 && std::none_of(limits.begin(), limits.end(), bound))
    return {};
  auto& path = origin.instance;
  limits.resize(path.empty() ? 0 : 1 + static_cast<size_t>(std::count(path.begin(), path.end(),
                                                                      '/')));
  limits.push_back(own);
  return limits;
}

exec_core::place exec_core::find_place(const rset& r) const {
  place p;
  bool found = false;
  for (uint32_t i = 0; i < r.nodes.size(); ++i) {
    auto broker = r.nodes[i].rank % brokers_;
    if (broker == self_)
      p.entries.push_back(i);
    // Brokers repeat only when the nodes are fake.
    if (brokers_ > 1 && std::find(p.brokers.begin(), p.brokers.end(), broker) != p.brokers.end())
      continue;
    if (brokers_ == 1 && !p.brokers.empty())
      continue;
    if (broker == self_) {
      p.position = p.brokers.size();
      found = true;
    }
    p.brokers.push_back(broker);
    if (p.brokers.front() == self_)
      p.hosts.emplace_back(r.host(i));
  }
  HACTOR_CHECK(found);
  return p;
}

void exec_core::launch(int64_t now_ns, const launch_order& order, exec_out& out) {
  auto id = order.item.id;
  auto disowned = disowned_.find(id);
  if (disowned != disowned_.end() && order.item.attempt <= disowned->second) {
    refuse(order.item, "a broker of the job was lost before it started here", out);
    return;
  }
  auto p = find_place(order.item.resources);
  auto parent = p.position == 0 ? self_ : p.brokers[(p.position - 1) / fanout_];
  if (p.position != 0 && lost_.count(parent) != 0)
    return; // from a broker that has died since: the job is over, and nobody would hear of us
  auto [it, added] = jobs_.try_emplace(id);
  if (!added)
    return; // launched already: the message came twice
  auto& j = it->second;
  j.root = p.position == 0;
  j.parent = parent;
  j.sum.id = id;
  j.since_ns = now_ns;
  j.shell_due = true;
  j.exit_timeout_s = order.plan->exit_timeout_s;
  j.mpi_timeout_s = order.plan->mpi_timeout_s;
  if (order.plan->simulated_s >= 0) {
    // Simulated execution happens at the root alone, and without a shell.
    j.simulated = true;
    j.simulated_end_ns = moment_after(now_ns, order.plan->simulated_s);
    if (j.simulated_end_ns <= now_ns) {
      j.shell_due = false;
    } else {
      wakes_.emplace(j.simulated_end_ns, id);
    }
    advance(id, out);
    return;
  }
  j.spread = p.brokers.size() > 1;
  j.start_due.insert(self_);
  for (size_t k = 1; k <= fanout_; ++k) {
    auto child = p.position * fanout_ + k;
    if (child >= p.brokers.size())
      break;
    j.children.insert(p.brokers[child]);
    j.start_due.insert(p.brokers[child]);
  }
  j.brokers = std::move(p.brokers);
  j.hosts = std::move(p.hosts);
  j.position = p.position;
  // The lead's shell first: it empties the files that the others append to.
  j.held = std::make_unique<launch_order>(order);
  auto waits = j.root && !j.children.empty() && order.plan->shares_files();
  out.start_shell(order, p.entries);
  if (!waits)
    pass_launch(j, out);
}

/// Has the children launch what they have not been told of yet.
void exec_core::pass_launch(job& j, exec_out& out) {
  if (auto order = std::move(j.held))
    for (auto child : j.children)
      out.forward_launch(child, *order);
}

void exec_core::refuse(const launch_item& item, const std::string& why, exec_out& out) {
  auto p = find_place(item.resources);
  job_report r;
  r.id = item.id;
  r.ended = true;
  r.status = 1 << 8;
  r.failure = why;
  auto root = p.position == 0;
  out.report(root, root ? self_ : p.brokers[(p.position - 1) / fanout_], std::move(r));
}

void exec_core::signal(int64_t now_ns, const signal_item& item, exec_out& out) {
  auto it = jobs_.find(item.id);
  if (it == jobs_.end())
    return;
  auto& j = it->second;
  if (j.settling && item.terminate && item.signal != SIGKILL)
    return; // it was told to end, and so was everybody else
  if (j.simulated) {
    if (!item.terminate && item.signal != SIGKILL && item.signal != SIGTERM)
      return;
    if (j.shell_due) {
      j.shell_due = false;
      j.sum.status = item.signal;
      advance(item.id, out);
    }
    return;
  }
  if (item.terminate)
    j.ending = true;
  if (j.shell_due)
    out.signal_shell(item);
  pass_launch(j, out);
  for (auto child : j.children)
    out.forward_signal(child, item);
  await_others(now_ns, item.id);
}

void exec_core::add(job& j, const job_report& part) {
  auto is_worse = shell_code(part.status) > shell_code(j.sum.status);
  if (j.sum.failure.empty()) {
    // What could not start is the cause; that the others were ended for it says nothing.
    j.sum.status = part.failure.empty() ? worse_status(j.sum.status, part.status) : part.status;
    j.sum.failure = part.failure;
  }
  j.sum.used.add(part.used);
  j.sum.outputs.insert(j.sum.outputs.end(), part.outputs.begin(), part.outputs.end());
  j.sum.lost.add_all(part.lost);
  add_warnings(j.sum.warning, part.warning, is_worse);
  note_first_exit(j, part);
}

void exec_core::note_first_exit(job& j, const job_report& part) {
  auto& first = j.sum.first_exit;
  if (part.first_exit.t_ns != 0 && (first.t_ns == 0 || part.first_exit.t_ns < first.t_ns))
    first = part.first_exit;
}

/// Tells upwards what has become true: the subtree has started; it has ended.
void exec_core::advance(job_id id, exec_out& out) {
  auto it = jobs_.find(id);
  auto& j = it->second;
  if (!j.sum.failure.empty() && !j.ending) {
    // A part that could not start ends the rest of the subtree; the root ends all of it.
    end_here(id, j, out);
    if (!j.root && (j.shell_due || !j.children.empty())) {
      job_report early;
      early.id = id;
      early.failure = j.sum.failure;
      early.status = j.sum.status;
      out.report(false, j.parent, std::move(early));
    }
  }
  auto ended = !j.shell_due && j.children.empty();
  auto started = j.start_due.empty() && j.sum.failure.empty();
  if (!ended && (!started || j.told_start))
    return;
  job_report r;
  r.id = id;
  r.started = started;
  r.init_ns = j.sum.init_ns;
  if (!ended) {
    j.told_start = true;
    out.report(j.root, j.parent, std::move(r));
    return;
  }
  r = std::move(j.sum);
  r.started = started;
  r.ended = true;
  auto root = j.root;
  if (!root && j.clean.size() > 1) // ourselves the parent knows
    r.clean = std::move(j.clean);
  auto parent = j.parent;
  auto orphan = is_orphan(j);
  auto settling = j.settling;
  auto settled = j.settled;
  for (auto at : {j.simulated_end_ns, j.exit_at_ns, j.clean_at_ns, j.first_exit_at_ns}) {
    auto [first, last] = wakes_.equal_range(at);
    auto own = std::find_if(first, last, [id](const auto& w) { return w.second == id; });
    if (own != last)
      wakes_.erase(own);
  }
  jobs_.erase(it);
  if (!orphan)
    out.report(root, parent, std::move(r));
  else if (settling && !settled)
    out.settled(std::move(r));
  else if (!settling)
    unheard_[id] = std::move(r); // the job manager will ask
}

/// Ends what runs here and, down the tree, below, unless that is under way.
void exec_core::end_here(job_id id, job& j, exec_out& out) {
  if (std::exchange(j.ending, true))
    return;
  signal_item end{id, SIGTERM, true};
  if (j.shell_due)
    out.signal_shell(end);
  pass_launch(j, out);
  for (auto child : j.children)
    out.forward_signal(child, end);
}

/// Answers the job manager for this rank's own tasks. An orphan waits until all below has ended.
void exec_core::tell_settled(job_id id, job& j, exec_out& out) {
  if (!j.settling || j.settled || j.shell_due || is_orphan(j))
    return;
  j.settled = true;
  job_report gone;
  gone.id = id;
  gone.ended = true;
  out.settled(std::move(gone));
}

void exec_core::settle(int64_t now_ns, job_id id, uint32_t attempt, const idset& lost,
                       exec_out& out) {
  for (auto rank : lost.expand())
    if (lost_.count(rank) == 0)
      on_rank_lost(rank, out); // the news that comes again by another way changes nothing
  job_report gone;
  gone.id = id;
  gone.ended = true;
  auto it = jobs_.find(id);
  if (it == jobs_.end()) {
    disowned_[id] = attempt;
    if (auto end = unheard_.find(id); end != unheard_.end()) {
      gone = std::move(end->second);
      unheard_.erase(end);
    }
    out.settled(std::move(gone));
    return;
  }
  auto& j = it->second;
  if (j.simulated) {
    out.settled(std::move(gone));
    signal(now_ns, {id, SIGTERM, true}, out);
    return;
  }
  if (std::exchange(j.settling, true)) {
    if (j.settled) // for the sake of a job around this one; its own job manager has not heard
      out.settled(std::move(gone));
    return;
  }
  end_here(id, j, out);
  tell_settled(id, j, out);
}

/// Ourselves and children that have tasks that have not ended, or below them, as far as was told.
/// What is cleaned up after them may take a node long.
std::set<rank_t> exec_core::running_parts(const job& j) const {
  std::set<rank_t> parts;
  std::set_difference(j.children.begin(), j.children.end(), j.cleaning.begin(), j.cleaning.end(),
                      std::inserter(parts, parts.end()));
  if (j.shell_due && j.cleaning.count(self_) == 0)
    parts.insert(self_);
  return parts;
}

/// Takes down how tasks of a part have ended; true when that is worse than what was known.
bool exec_core::note_status(job& j, const job_report& part) {
  if (!part.failure.empty() || shell_code(part.status) <= shell_code(j.ended_status))
    return false;
  j.ended_status = part.status;
  j.worst_end = split_warnings(part.warning).of_task;
  return true;
}

/// What is to be told of the job's status before all of it has ended.
int32_t exec_core::status_of(const job& j) {
  return j.sum.failure.empty() ? worse_status(j.sum.status, j.ended_status) : j.sum.status;
}

/// What follows when a task has ended and others run: the root tells of the first after a moment,
/// since most end together; and shell.options.exit-timeout among nodes, which counts from it at the
/// root (of a job on one node the shell sees to that).
void exec_core::leave_others(int64_t now_ns, job_id id, job& j, rank_t from, const job_report& part,
                             exec_out& out) {
  if (!part.task_ended && !part.ended)
    return;
  note_first_exit(j, part);
  auto is_worse = note_status(j, part);
  if (part.tasks_ended && !part.ended)
    j.cleaning.insert(from);
  auto over = !j.shell_due && j.children.empty();
  if (j.root) {
    if (!over && j.first_exit_at_ns == 0 && j.sum.first_exit.t_ns != 0) {
      j.first_exit_at_ns = now_ns + first_exit_delay_ns;
      wakes_.emplace(j.first_exit_at_ns, id);
    }
    if (!j.spread || j.exit_timeout_s < 0 || j.exit_at_ns != 0 || over)
      return;
    j.exit_at_ns = moment_after(now_ns, j.exit_timeout_s);
    j.first_end = split_warnings(part.warning).of_task;
    wakes_.emplace(j.exit_at_ns, id);
    return;
  }
  // Of the first, of those that make the status worse, since the root may have to end the job with
  // it, and of the last when cleaning up keeps the report of the end back.
  auto rest = runs_tasks(j);
  uint8_t wanted = rest ? 1 : 2;
  if ((j.told_exit >= wanted && (!is_worse || j.ending)) || is_orphan(j) || over)
    return;
  j.told_exit = wanted;
  job_report news;
  news.id = id;
  news.status = status_of(j);
  news.task_ended = true;
  news.tasks_ended = !rest;
  news.warning = part.warning;
  news.first_exit = j.sum.first_exit;
  out.report(false, j.parent, std::move(news));
}

void exec_core::tell_first_exit(job_id id, job& j, exec_out& out) {
  j.first_exit_at_ns = INT64_MAX; // once
  job_report news;
  news.id = id;
  news.task_ended = true;
  news.first_exit = j.sum.first_exit;
  out.report(true, self_, std::move(news));
}

/// Are there brokers that could be given back, of a job that ends, while others are not clean?
bool exec_core::has_clean_news(const job& j) const {
  return j.clean.size() > j.told_clean && !j.settling && !is_orphan(j)
         && (j.ending || !j.sum.failure.empty() || !runs_tasks(j));
}

/// As a rule all of a job is clean within a moment, and nobody need hear of its parts.
void exec_core::await_others(int64_t now_ns, job_id id) {
  auto it = jobs_.find(id);
  if (it == jobs_.end() || it->second.clean_at_ns != 0 || !has_clean_news(it->second))
    return;
  it->second.clean_at_ns = now_ns + release_delay_ns_;
  wakes_.emplace(it->second.clean_at_ns, id);
}

/// The rest has kept its moment: what is clean is told of without it.
void exec_core::tell_clean(job_id id, job& j, exec_out& out) {
  j.clean_at_ns = 0;
  if (!has_clean_news(j) || (j.root && out.holds_instance(id)))
    return;
  j.told_clean = j.clean.size();
  job_report news;
  news.id = id;
  news.clean = j.clean;
  news.tasks_ended = !runs_tasks(j);
  news.task_ended = news.tasks_ended;
  news.status = status_of(j);
  if (j.root)
    news.failure = j.sum.failure; // others have told theirs
  out.report(j.root, j.parent, std::move(news));
}

void exec_core::on_shell_report(int64_t now_ns, const job_report& r, exec_out& out) {
  auto it = jobs_.find(r.id);
  if (it == jobs_.end())
    return;
  auto& j = it->second;
  pass_launch(j, out);
  if (r.started)
    j.start_due.erase(self_);
  j.sum.init_ns = std::max(j.sum.init_ns, r.init_ns);
  if (r.ended) {
    j.shell_due = false;
    if (j.spread)
      j.clean.add(self_);
    tell_settled(r.id, j, out);
  }
  leave_others(now_ns, r.id, j, self_, r, out);
  if (r.ended || !r.failure.empty())
    add(j, r);
  advance_exchanges(r.id, j, out);
  advance(r.id, out);
  await_others(now_ns, r.id);
}

void exec_core::on_child_report(int64_t now_ns, rank_t child, const job_report& r,
                                exec_out& out) {
  auto it = jobs_.find(r.id);
  if (it == jobs_.end() || it->second.children.count(child) == 0)
    return;
  auto& j = it->second;
  if (r.ended) {
    j.children.erase(child);
    j.clean.add(child);
  }
  j.clean.add_all(r.clean);
  leave_others(now_ns, r.id, j, child, r, out);
  take_child_report(child, r, out);
  await_others(now_ns, r.id);
}

void exec_core::take_child_report(rank_t child, const job_report& r, exec_out& out) {
  auto it = jobs_.find(r.id);
  auto& j = it->second;
  if (r.started)
    j.start_due.erase(child);
  j.sum.init_ns = std::max(j.sum.init_ns, r.init_ns);
  if (r.ended || !r.failure.empty())
    add(j, r);
  advance_exchanges(r.id, j, out);
  advance(r.id, out);
}

void exec_core::on_exchange_part(int64_t now_ns, const exchange_part& part, exec_out& out) {
  auto it = jobs_.find(part.id);
  if (it == jobs_.end())
    return;
  auto& j = it->second;
  if (part.from == self_)
    pass_launch(j, out); // it waits for those who have not been told of the job yet
  auto& x = j.exchanges[part.world];
  if (x.among != part.among) {
    x.among = part.among;
    find_participants(j, x);
  }
  x.from.insert(part.from);
  x.values += part.values;
  x.by_mpi |= part.by_mpi;
  advance_exchanges(part.id, j, out);
  begin_meeting(now_ns, part.id, j, part.world, x);
}

/// Nobody above us has a part in it.
bool exec_core::leads_exchange(const job& j, int32_t world, const exchange& x) {
  return j.root || (world >= 0 && !x.above);
}

/// The place of the child of ours that the job's broker at place `i` is or is below; our own for
/// ourselves, nothing when it is not below us.
std::optional<size_t> exec_core::way_to(const job& j, size_t i) const {
  auto last = i;
  for (; i > j.position; i = (i - 1) / fanout_)
    last = i;
  return i == j.position ? std::optional{last} : std::nullopt;
}

/// Where in the job's tree the brokers are that have tasks of the world.
void exec_core::find_participants(const job& j, exchange& x) const {
  x.below.clear();
  x.own = x.above = false;
  for (size_t i = 0; i < j.brokers.size(); ++i) {
    if (!x.among.contains(j.brokers[i]))
      continue;
    if (auto way = way_to(j, i); !way)
      x.above = true;
    else if (*way == j.position)
      x.own = true;
    else
      x.below.insert(j.brokers[*way]);
  }
}

/// Of whom a part is to come yet: children and ourselves, as far as they have not ended. Of a world
/// that is only further below we do not hear when tasks leave it without having met the others:
/// that is left to exit-timeout.
std::set<rank_t> exec_core::missing_parts(const job& j, int32_t world, const exchange& x) const {
  auto all = world < 0;
  std::set<rank_t> missing;
  if (j.shell_due && (all || x.own) && x.from.count(self_) == 0)
    missing.insert(self_);
  for (auto child : j.children)
    if ((all || x.below.count(child) != 0) && x.from.count(child) == 0)
      missing.insert(child);
  return missing;
}

/// Complete when all that have not ended have given their part: then up, or, where nobody above has
/// a part to give, down. In a job that has failed nobody goes on.
void exec_core::advance_exchanges(job_id id, job& j, exec_out& out) {
  if (!j.sum.failure.empty())
    return;
  for (auto& [world, x] : j.exchanges) {
    if (x.from.empty() || !missing_parts(j, world, x).empty())
      continue;
    x.from.clear();
    x.met |= x.by_mpi;
    auto values = std::exchange(x.values, {});
    auto by_mpi = std::exchange(x.by_mpi, false);
    if (leads_exchange(j, world, x))
      on_exchange_whole({id, std::move(values), world}, out);
    else
      out.pass_up(j.parent, {id, self_, std::move(values), world, x.among, by_mpi});
  }
}

/// The first have come to MPI_Init, and others that we know of have not: they have their time.
void exec_core::begin_meeting(int64_t now_ns, job_id id, const job& j, int32_t world, exchange& x) {
  if (!x.by_mpi || x.met || x.since_ns != 0 || !leads_exchange(j, world, x))
    return;
  x.since_ns = now_ns;
  if (mpi_patience_s_ > 0)
    wakes_.emplace(x.note_at_ns = moment_after(now_ns, mpi_patience_s_), id);
  if (j.mpi_timeout_s >= 0)
    wakes_.emplace(x.end_at_ns = moment_after(now_ns, j.mpi_timeout_s), id);
}

/// The job's brokers that are one of `parts`, which are ourselves or children, or below one.
idset exec_core::brokers_below(const job& j, const std::set<rank_t>& parts) const {
  idset found;
  for (size_t i = 0; i < j.brokers.size(); ++i) {
    if (auto way = way_to(j, i); way && parts.count(j.brokers[*way]) != 0)
      found.add(j.brokers[i]);
  }
  return found;
}

/// "brokers 2-3 (n[2-3])"; hosts as far as we know them.
std::string exec_core::brokers_text(const job& j, const idset& which) {
  std::vector<std::string> hosts;
  for (size_t i = 0; i < j.hosts.size() && i < j.brokers.size(); ++i)
    if (which.contains(j.brokers[i]) && !j.hosts[i].empty())
      hosts.push_back(j.hosts[i]);
  return fmt::format("broker{} {}{}", which.size() == 1 ? "" : "s", which.to_string(),
                     hosts.empty() ? "" : fmt::format(" ({})", format_hostlist(hosts)));
}

/// Who has come, and who has not. Below a child that has not there may be some who have.
std::string exec_core::who_is_missing(const job& j, int32_t world, const exchange& x) const {
  auto away = brokers_below(j, missing_parts(j, world, x));
  if (world >= 0)
    for (auto rank : away.expand())
      if (!x.among.contains(rank))
        away.remove(rank);
  return fmt::format("tasks{} have called MPI_Init, and not all of those on {}",
                     world < 0 ? "" : fmt::format(" of world {}", world), brokers_text(j, away));
}

/// Whose tasks have not ended. Of those below a child only that they may be.
std::string exec_core::who_still_runs(const job& j) const {
  auto parts = running_parts(j);
  auto all = brokers_below(j, parts);
  all.remove_all(j.clean);
  return fmt::format("tasks still ran on {}{}", all.size() > parts.size() ? "some of " : "",
                     brokers_text(j, all));
}

void exec_core::look_at_meetings(int64_t now_ns, job_id id, job& j, exec_out& out) {
  for (auto& [world, x] : j.exchanges) {
    if (x.met || x.since_ns == 0 || j.ending || !j.sum.failure.empty())
      continue;
    if (x.end_at_ns != 0 && x.end_at_ns <= now_ns)
      return fail(now_ns, id, j,
                  who_is_missing(j, world, x) + " when mpi-timeout was over after the first", out);
    if (x.note_at_ns != 0 && x.note_at_ns <= now_ns) {
      x.note_at_ns = 0;
      out.note(id, fmt::format("hactor: {} within {}: they wait for each other as long as that is "
                               "so; `hactor stuck {}` tells more\n",
                               who_is_missing(j, world, x), format_fsd(mpi_patience_s_),
                               to_string(id)));
    }
  }
}

/// Ends the job, with how its tasks have ended so far. Requires: none was told to end.
void exec_core::fail(int64_t now_ns, job_id id, job& j, std::string why, exec_out& out) {
  j.sum.status = worse_status(status_of(j), 1 << 8);
  if (!j.worst_end.empty() && why.find(j.worst_end) == why.npos)
    why += "; " + j.worst_end;
  j.sum.failure = std::move(why);
  advance(id, out);
  await_others(now_ns, id);
}

void exec_core::on_exchange_whole(const exchange_whole& whole, exec_out& out) {
  auto it = jobs_.find(whole.id);
  if (it == jobs_.end())
    return;
  auto& j = it->second;
  if (whole.world < 0)
    return out.pass_down(whole, j.shell_due, j.children);
  auto x = j.exchanges.find(whole.world);
  if (x == j.exchanges.end())
    return; // nobody here has asked
  auto children = x->second.below;
  std::erase_if(children, [&j](rank_t child) { return j.children.count(child) == 0; });
  out.pass_down(whole, j.shell_due && x->second.own, children);
}

void exec_core::on_unreachable(job_id id, rank_t child, const std::string& why, exec_out& out) {
  job_report r;
  r.id = id;
  r.ended = true;
  r.status = 1 << 8;
  r.failure = fmt::format("rank {}: {}", child, why);
  if (auto it = jobs_.find(id); it != jobs_.end() && it->second.children.erase(child) != 0)
    take_child_report(child, r, out);
}

void exec_core::on_rank_lost(rank_t rank, exec_out& out) {
  lost_.insert(rank);
  std::vector<job_id> hit;
  std::vector<job_id> orphaned;
  for (auto& [id, j] : jobs_) {
    if (j.children.count(rank) != 0)
      hit.push_back(id);
    if (!j.root && j.parent == rank)
      orphaned.push_back(id);
  }
  std::sort(hit.begin(), hit.end());
  for (auto id : hit) {
    jobs_.at(id).sum.lost.add(rank); // the job manager may hear of it from us first
    on_unreachable(id, rank, "its broker was lost", out);
  }
  // Nobody is left who would tell us to end; the job manager asks us when it has heard.
  for (auto id : orphaned)
    if (auto it = jobs_.find(id); it != jobs_.end())
      end_here(id, it->second, out);
}

void exec_core::on_time(int64_t now_ns, exec_out& out) {
  while (!wakes_.empty() && wakes_.begin()->first <= now_ns) {
    auto id = wakes_.begin()->second;
    wakes_.erase(wakes_.begin());
    auto it = jobs_.find(id);
    if (it == jobs_.end())
      continue;
    auto& j = it->second;
    if (j.clean_at_ns != 0 && j.clean_at_ns <= now_ns)
      tell_clean(id, j, out);
    if (j.first_exit_at_ns != 0 && j.first_exit_at_ns <= now_ns)
      tell_first_exit(id, j, out);
    auto over = j.exit_at_ns != 0 && j.exit_at_ns <= now_ns;
    if (over && !j.ending && j.sum.failure.empty() && runs_tasks(j)) {
      fail(now_ns, id, j,
           who_still_runs(j) + " when exit-timeout was over after the first had ended"
             + (j.first_end.empty() ? "" : ": " + j.first_end),
           out);
    } else if (!j.exchanges.empty()) {
      look_at_meetings(now_ns, id, j, out);
    } else if (j.simulated && j.shell_due) {
      j.shell_due = false;
      advance(id, out);
    }
  }
}

bool exec_core::leads(job_id id) const {
  auto it = jobs_.find(id);
  return it != jobs_.end() && it->second.root;
}

bool exec_core::gave_back(job_id id) const {
  auto it = jobs_.find(id);
  return it != jobs_.end() && it->second.root && it->second.told_clean != 0;
}

bool exec_core::started(job_id id) const {
  auto it = jobs_.find(id);
  return it != jobs_.end() && it->second.root && it->second.told_start;
}

int64_t exec_core::next_wake_ns() const { return wakes_.empty() ? 0 : wakes_.begin()->first; }

} // namespace hactor
