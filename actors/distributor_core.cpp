// See the header. Who gets what is here, the life of children in distributor_children.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/distributor_core.hpp"

#include <algorithm>

#include "runtime/error.hpp"

namespace hactor {

namespace {

/// Jobs at the head of the queue that nobody can take now and that are passed over in one turn.
constexpr size_t passed_over_max = 512;

/// Children for which others are asked in one turn, and jobs that make way in one.
constexpr size_t helped_max = 8;
constexpr size_t way_givers_max = 16;

/// A job is left with a child so long before another may have it: its grant may be on the way. Each
/// move doubles it, so that a job which fits nowhere does not wander.
constexpr int64_t patience_ns = 5'000'000;
constexpr int moves_doubling_max = 11;

/// What a child has waited with is long, for a window; how often a window is made smaller.
constexpr int64_t long_wait_ns = 2'000'000'000;
constexpr int64_t shrink_every_ns = 1'000'000'000;

constexpr size_t window_least = 16;
constexpr size_t window_most = 8192;

int64_t patience(uint8_t moves) { return patience_ns << std::min<int>(moves, moves_doubling_max); }

} // namespace

// -- clients --------------------------------------------------------------------------------------

void distributor_core::enqueue(int64_t, distributor_client from, const job_spec_ptr& spec,
                               const alloc_entry& entry, distributor_out& out) {
  auto [it, is_new] = jobs_.try_emplace(entry.id);
  if (!is_new)
    return; // told twice
  if (auto why = hopeless(); !why.empty()) {
    jobs_.erase(it);
    out.denied(from, entry.id, std::move(why));
    return;
  }
  auto& j = it->second;
  j.client = from;
  j.spec = spec;
  j.entry = entry;
  j.cost = std::max<uint64_t>(spec->request->ncores, 1);
  queue_.insert(key_of(j));
}

void distributor_core::cancel(int64_t, job_id id, distributor_out& out) {
  auto it = jobs_.find(id);
  if (it == jobs_.end() || it->second.granted)
    return; // a grant is on its way
  auto& j = it->second;
  if (j.child == job_id{}) {
    queue_.erase(key_of(j));
    forget_purpose(j);
    out.cancelled(j.client, id);
    jobs_.erase(it);
    return;
  }
  if (!j.taking_back && !j.cancelling)
    out.take_back(j.child, id);
  j.cancelling = true;
}

void distributor_core::prioritize(int64_t, const alloc_entry& entry, distributor_out& out) {
  auto it = jobs_.find(entry.id);
  if (it == jobs_.end() || it->second.granted)
    return;
  auto& j = it->second;
  auto& order = j.child == job_id{} ? queue_ : children_.at(j.child).given;
  order.erase(key_of(j));
  j.entry.priority = entry.priority;
  order.insert(key_of(j));
  if (j.child == job_id{})
    return;
  out.prioritize(j.child, j.entry);
  if (entry.priority == 0 && !j.taking_back && !j.cancelling)
    take_back(j, out); // held: it takes another's place there
}

void distributor_core::extend(job_id id, int64_t end_ns, distributor_out& out) {
  auto it = jobs_.find(id);
  if (it != jobs_.end() && it->second.granted && children_.at(it->second.child).now != phase::dead)
    out.extend(it->second.child, id, end_ns);
}

void distributor_core::free(int64_t, job_id id, distributor_out& out) {
  auto it = jobs_.find(id);
  if (it == jobs_.end() || !it->second.granted)
    return;
  auto child = it->second.child;
  unassign(it->second);
  jobs_.erase(it);
  auto& c = children_.at(child);
  if (c.now != phase::dead)
    out.free(child, id);
  else if (c.over && c.running.empty())
    release(child, out);
}

std::optional<distributor_client> distributor_core::client_of(job_id child, job_id id) const {
  auto it = jobs_.find(id);
  if (it == jobs_.end() || !it->second.granted || it->second.child != child)
    return std::nullopt;
  return it->second.client;
}

// -- children -------------------------------------------------------------------------------------

distributor_core::job* distributor_core::given_to(job_id child, job_id id) {
  auto it = jobs_.find(id);
  return it == jobs_.end() || it->second.child != child || it->second.granted ? nullptr
                                                                              : &it->second;
}

void distributor_core::on_granted(int64_t now_ns, job_id child, job_id id, rset&& resources,
                                  std::string how, distributor_out& out) {
  auto* j = given_to(child, id);
  if (j == nullptr)
    return; // of a child that is gone, or told twice
  auto waited = now_ns - j->given_ns;
  unassign(*j);
  forget_purpose(*j);
  coming_back_ -= std::exchange(j->taking_back, false);
  auto& c = children_.at(child);
  j->child = child;
  j->granted = true;
  j->held.nodes = resources.nodes;
  j->held.scheduling = resources.scheduling;
  j->cost = std::max<uint64_t>(j->held.core_count(), 1);
  j->slot = c.running.size();
  c.running.push_back(j);
  c.busy_cores += j->cost;
  ++running_;
  adapt(now_ns, c, waited, !queue_.empty() && queue_.begin()->priority > 0);
  touch(child, c);
  out.granted(j->client, id, c.where.to_system(std::move(resources)), std::move(how));
}

void distributor_core::on_denied(int64_t, job_id child, job_id id, const std::string& note,
                                 distributor_out& out) {
  auto* j = given_to(child, id);
  if (j == nullptr)
    return;
  if (!j->refused)
    j->refused = std::make_unique<refusals>();
  j->refused->children.push_back(child);
  j->refused->note = note;
  return_job(*j, out);
}

void distributor_core::on_cancelled(int64_t, job_id child, job_id id, distributor_out& out) {
  auto* j = given_to(child, id);
  if (j == nullptr)
    return;
  return_job(*j, out);
}

/// It is with no child any more: it waits here again, or ends being cancelled.
void distributor_core::return_job(job& j, distributor_out& out) {
  unassign(j);
  if (!j.cancelling)
    return come_back(j);
  forget_purpose(j);
  coming_back_ -= j.taking_back;
  auto id = j.entry.id;
  out.cancelled(j.client, id);
  jobs_.erase(id);
}

/// It is no more with the child that has it.
void distributor_core::unassign(job& j) {
  auto id = std::exchange(j.child, job_id{});
  auto& c = children_.at(id);
  if (std::exchange(j.granted, false)) {
    c.running.back()->slot = j.slot;
    std::swap(c.running[j.slot], c.running.back());
    c.running.pop_back();
    c.busy_cores -= j.cost;
    --running_;
  } else {
    c.given.erase(key_of(j));
    c.given_cores -= j.cost;
    --given_;
  }
  touch(id, c);
}

/// It waits here again.
void distributor_core::come_back(job& j) {
  coming_back_ -= std::exchange(j.taking_back, false);
  queue_.insert(key_of(j));
}

/// Whom it was to be given to does not expect it any more.
void distributor_core::forget_purpose(job& j) {
  auto id = std::exchange(j.meant_for, job_id{});
  if (auto it = children_.find(id); it != children_.end())
    --it->second.expected;
}

void distributor_core::touch(job_id id, child& c) {
  if (!std::exchange(c.touched, true))
    touched_.push_back(id);
}

namespace {

/// Puts a child under another key, or under none. What is in the set is used again: this happens
/// for each job.
template <class Key>
void move_key(std::set<std::pair<Key, job_id>>& set, job_id id, std::optional<Key>& from,
              std::optional<Key> to) {
  if (from == to)
    return;
  typename std::set<std::pair<Key, job_id>>::node_type node;
  if (from)
    node = set.extract({*from, id});
  from = to;
  if (!to)
    return;
  if (node.empty()) {
    set.emplace(*to, id);
    return;
  }
  node.value().first = *to;
  set.insert(std::move(node));
}

} // namespace

void distributor_core::show(job_id id, child& c) {
  std::optional<uint64_t> load;
  std::optional<size_t> backlog;
  if (c.now == phase::serves) {
    backlog = c.given.size();
    if (c.given.size() < c.window)
      load = (c.given_cores + c.busy_cores) * 1024 / c.cores;
  }
  move_key(roomy_, id, c.in_roomy, load);
  move_key(backlogs_, id, c.in_backlogs, backlog);
}

/// A child that runs dry while others wait may have more; one whose jobs wait long has too many,
/// which another child might start sooner.
void distributor_core::adapt(int64_t now_ns, child& c, int64_t waited_ns, bool more) {
  if (c.given.empty() && more) {
    c.window = std::max(c.window, std::min(2 * c.window, window_most));
  } else if (waited_ns > long_wait_ns && now_ns - c.shrunk_ns > shrink_every_ns) {
    auto least = std::max<size_t>(2 * c.cores, window_least);
    c.window = std::max(std::min(least, c.window), c.window - c.window / 4);
    c.shrunk_ns = now_ns;
  }
}

// -- giving ---------------------------------------------------------------------------------------

void distributor_core::distribute(int64_t now_ns, distributor_out& out) {
  wake_ns_ = 0;
  if (stopped_)
    return;
  make_children(now_ns, out);
  for (auto id : std::exchange(touched_, {}))
    if (auto it = children_.find(id); it != children_.end()) {
      it->second.touched = false;
      show(id, it->second);
    }
  size_t passed_over = 0;
  for (auto next = queue_.begin();
       next != queue_.end() && !roomy_.empty() && passed_over < passed_over_max;) {
    if (next->priority == 0)
      break; // held, as all behind it
    auto& j = jobs_.at(next->id);
    ++next; // what is given leaves the queue
    passed_over += !give_to_someone(now_ns, j, out);
  }
  give_way(out);
  balance(now_ns, out);
}

/// False: it stays in the queue.
bool distributor_core::give_to_someone(int64_t now_ns, job& j, distributor_out& out) {
  auto meant = children_.find(j.meant_for);
  if (meant != children_.end() && meant->second.in_roomy) {
    give(now_ns, meant->first, meant->second, j, out);
    return true;
  }
  for (auto& [load, id] : roomy_) {
    if (j.is_refused_by(id))
      continue;
    give(now_ns, id, children_.at(id), j, out);
    return true;
  }
  if (!is_refused_by_all(j))
    return false;
  auto id = j.entry.id;
  queue_.erase(key_of(j));
  forget_purpose(j);
  out.denied(j.client, id, "no child of this instance can run it: " + j.refused->note);
  jobs_.erase(id);
  return true;
}

bool distributor_core::is_refused_by_all(const job& j) const {
  return j.refused && std::all_of(places_.begin(), places_.end(), [&](const child_place& p) {
           return p.child != job_id{} && j.is_refused_by(p.child);
         });
}

void distributor_core::give(int64_t now_ns, job_id to, child& c, job& j, distributor_out& out) {
  auto entry = queue_.extract(key_of(j));
  forget_purpose(j);
  j.child = to;
  j.given_ns = now_ns;
  c.given.insert(c.given.end(), std::move(entry));
  c.given_cores += j.cost;
  ++given_;
  show(to, c);
  out.give(to, j.spec, j.entry);
}

void distributor_core::take_back(job& j, distributor_out& out) {
  j.taking_back = true;
  ++coming_back_;
  j.moves = static_cast<uint8_t>(std::min(j.moves + 1, 255));
  ++taken_back_;
  out.take_back(j.child, j.entry.id);
}

/// All who may have more have it: whoever waits here and is more important than what a child has
/// queued gets the place of that.
void distributor_core::give_way(distributor_out& out) {
  size_t n = 0;
  for (auto waiting = queue_.begin(); waiting != queue_.end() && n < way_givers_max;
       ++waiting, ++n) {
    if (n < coming_back_)
      continue; // that makes way for it
    job* least = nullptr;
    size_t looked = 0;
    for (auto it = backlogs_.rbegin(); it != backlogs_.rend() && looked < helped_max;
         ++it, ++looked) {
      auto& c = children_.at(it->second);
      if (c.given.empty())
        break;
      if (jobs_.at(waiting->id).is_refused_by(it->second))
        continue;
      auto& last = jobs_.at(c.given.rbegin()->id);
      if (!last.taking_back && !last.cancelling && last.entry.priority < waiting->priority
          && (least == nullptr || last.entry.priority < least->entry.priority))
        least = &last;
    }
    if (least != nullptr)
      take_back(*least, out);
  }
}

/// Whoever has room and nothing to grant gets what others have queued.
void distributor_core::balance(int64_t now_ns, distributor_out& out) {
  size_t looked = 0;
  for (auto it = roomy_.begin(); it != roomy_.end() && looked < helped_max; ++it, ++looked) {
    auto& c = children_.at(it->second);
    if (c.busy_cores >= c.cores)
      return; // so have those behind it
    if (c.given.empty() && c.expected == 0)
      balance_for(now_ns, it->second, c, out);
  }
}

void distributor_core::balance_for(int64_t now_ns, job_id dry, child& c, distributor_out& out) {
  if (backlogs_.empty() || backlogs_.rbegin()->second == dry)
    return;
  auto& victim = children_.at(backlogs_.rbegin()->second);
  auto half = std::min((victim.given.size() + 1) / 2, c.window);
  auto room = c.cores - c.busy_cores;
  size_t looked = 0;
  // The least important of what it has, which it would grant last.
  for (auto it = victim.given.rbegin();
       it != victim.given.rend() && c.expected < half && looked < 2 * half + helped_max;
       ++it, ++looked) {
    auto& j = jobs_.at(it->id);
    if (j.taking_back || j.cancelling || j.cost > room || j.is_refused_by(dry))
      continue;
    if (auto due = j.given_ns + patience(j.moves); due > now_ns) {
      wake_at(due);
      continue;
    }
    j.meant_for = dry;
    ++c.expected;
    take_back(j, out);
  }
}

// -- asking ---------------------------------------------------------------------------------------

distributor_place distributor_core::where(job_id id) const {
  using kind = distributor_place::kind;
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return {};
  auto& j = it->second;
  if (j.child != job_id{})
    return {j.granted ? kind::granted : kind::given, j.child, {}};
  return {j.entry.priority == 0 ? kind::held : kind::queued, {}, j.refused ? j.refused->note : ""};
}

distributor_counts distributor_core::counts() const {
  return {queue_.size(), given_, running_, serving_, taken_back_};
}

rooms_reply distributor_core::rooms(job_id child) const {
  rooms_reply all;
  auto it = children_.find(child);
  if (it == children_.end())
    return all;
  for (auto* j : it->second.running)
    all.held.push_back({j->entry.id, {j->spec, {}, {}}, j->held});
  std::unordered_map<const resource_request*, size_t> groups;
  for (auto& key : it->second.given) {
    auto& j = jobs_.at(key.id);
    if (j.taking_back || j.cancelling)
      continue; // the answer to that is on its way, or said without a look at the queue
    auto [at, is_new] = groups.try_emplace(j.spec->request.get(), all.wanted.groups.size());
    if (is_new)
      all.wanted.groups.push_back({{j.spec, {}, {}}, {}});
    all.wanted.groups[at->second].items.push_back(j.entry);
  }
  return all;
}

rset distributor_core::held() const {
  rset all;
  for (auto& [id, c] : children_) {
    // Each job is looked at once, however many nodes the child has.
    auto in_use = c.grant;
    in_use.properties.clear();
    for (auto& node : in_use.nodes)
      node.cores = node.gpus = {};
    for (auto* j : c.running)
      for (auto& share : j->held.nodes) {
        if (share.rank >= in_use.nodes.size())
          continue; // no child grants what it does not have
        in_use.nodes[share.rank].cores.add_all(share.cores);
        in_use.nodes[share.rank].gpus.add_all(share.gpus);
      }
    idset used;
    for (auto& node : in_use.nodes)
      if (!node.cores.empty() || !node.gpus.empty())
        used.add(node.rank);
    all = unite(all, restrict_to(in_use, used));
  }
  return all;
}

} // namespace hactor
