// Distributors over distributors over schedulers, in one thread and without actors: messages of
// different senders come in any order, children of every level die, nodes are lost, users cancel.
// After each step no core is granted twice and every answer was asked for; at the end every job has
// ended exactly once. HACTOR_SIM_SEED=N replays one seed, HACTOR_SIM_SEEDS=N runs as many,
// HACTOR_SIM_STEPS=N makes them longer.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>

#include <fmt/format.h>

#include "actors/distributor_core.hpp"
#include "actors/scheduler_core.hpp"
#include "seeds.hpp"
#include "spec_texts.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

struct world {
  std::mt19937 random;
  int64_t now_ns = 1'000'000'000;
  uint64_t next_id = 1;
  spec_cache specs;
  /// Links by the numbers of both ends: with addresses a seed would not be the same day again.
  std::map<std::pair<uint64_t, uint64_t>, std::deque<std::function<void()>>> mail;
  uint64_t next_end = 1;
  std::string wrong;

  explicit world(uint64_t seed) : random{static_cast<uint32_t>(seed)} {}
  uint64_t below(uint64_t n) { return n == 0 ? 0 : random() % n; }
  job_id fresh() { return job_id{next_id++}; }
  void post(uint64_t from, uint64_t to, std::function<void()> what) {
    mail[{from, to}].push_back(std::move(what));
  }
  /// Delivers one message, of a random link. False: there is none.
  bool deliver() {
    std::vector<std::deque<std::function<void()>>*> full;
    for (auto& [link, queue] : mail)
      if (!queue.empty())
        full.push_back(&queue);
    if (full.empty())
      return false;
    auto& queue = *full[below(full.size())];
    auto what = std::move(queue.front());
    queue.pop_front();
    what();
    return true;
  }
  void fail(std::string what) {
    if (wrong.empty())
      wrong = std::move(what);
  }
};

/// What stands above a scheduler: who gave it jobs hears what became of them.
struct upper {
  virtual ~upper() = default;
  virtual void on_grant(job_id child, job_id id, rset r) = 0;
  virtual void on_denial(job_id child, job_id id) = 0;
  virtual void on_cancelled(job_id child, job_id id) = 0;
  virtual void on_lost(job_id child, job_id id) = 0;
};

/// A scheduler of an instance: a leaf's, or a distributor.
struct node : std::enable_shared_from_this<node> {
  node(world& w, std::weak_ptr<upper> above, uint64_t above_key, job_id me)
      : w{w}, above{std::move(above)}, above_key{above_key}, me{me}, key{w.next_end++} {}
  virtual ~node() = default;
  virtual void enqueue(const job_spec_ptr& spec, const alloc_entry& e) = 0;
  virtual void cancel(job_id id) = 0;
  virtual void prioritize(const alloc_entry& e) = 0;
  virtual void free(job_id id) = 0;
  virtual void extend(job_id id, int64_t end_ns) = 0;
  virtual void pass() = 0; // time has gone on
  virtual void kill_something() = 0;
  virtual void count(size_t& leaves) const = 0;

  /// To whoever is above, who may be gone when it arrives.
  void tell(std::function<void(upper&)> what) {
    w.post(key, above_key, [above = above, what = std::move(what)] {
      if (auto to = above.lock())
        what(*to);
    });
  }

  world& w;
  std::weak_ptr<upper> above;
  uint64_t above_key;
  job_id me;
  uint64_t key;
};

struct leaf final : node, scheduler_out {
  leaf(world& w, std::weak_ptr<upper> above, uint64_t above_key, job_id me, const rset& r)
      : node{w, std::move(above), above_key, me} {
    core.set_inventory(r);
  }
  void enqueue(const job_spec_ptr& spec, const alloc_entry& e) override {
    core.enqueue({e.id, e.priority, e.t_submit_ns, spec->request});
    pass();
  }
  void cancel(job_id id) override { core.cancel(id), pass(); }
  void prioritize(const alloc_entry& e) override { core.prioritize(e.id, e.priority), pass(); }
  void free(job_id id) override { core.free(id, std::nullopt, true), pass(); }
  void extend(job_id id, int64_t end_ns) override {
    core.extend(id, static_cast<double>(end_ns) * 1e-9);
    pass();
  }
  void pass() override { core.schedule(w.now_ns, *this); }
  void kill_something() override {}
  void count(size_t& leaves) const override { ++leaves; }
  void granted(job_id id, rset&& r, start_kind) override {
    tell([me = me, id, r = std::move(r)](upper& u) { u.on_grant(me, id, r); });
  }
  void denied(job_id id, std::string) override {
    tell([me = me, id](upper& u) { u.on_denial(me, id); });
  }
  void cancelled(job_id id) override {
    tell([me = me, id](upper& u) { u.on_cancelled(me, id); });
  }
  scheduler_core core;
};

/// A distributor, with what places its children and a job manager that knows nothing but them.
struct distributing final : node, upper, distributor_out, scheduler_out {
  distributing(world& w, std::weak_ptr<upper> above, uint64_t above_key, job_id me, const rset& r,
               std::vector<uint32_t> tree)
      : node{w, std::move(above), above_key, me}, tree{std::move(tree)}, core{this->tree.front()} {
    graph.set_inventory(r);
    core.set_inventory(r);
  }

  // As the scheduler of whoever is above.
  void enqueue(const job_spec_ptr& spec, const alloc_entry& e) override {
    core.enqueue(w.now_ns, 0, spec, e, *this);
    pass();
  }
  void cancel(job_id id) override { core.cancel(w.now_ns, id, *this), pass(); }
  void prioritize(const alloc_entry& e) override { core.prioritize(w.now_ns, e, *this), pass(); }
  void free(job_id id) override { core.free(w.now_ns, id, *this), pass(); }
  void extend(job_id id, int64_t end_ns) override { core.extend(id, end_ns, *this), pass(); }
  void pass() override {
    core.distribute(w.now_ns, *this);
    graph.schedule(w.now_ns, *this);
    for (auto& [id, child] : children)
      if (w.below(4) == 0)
        child->pass();
  }
  void count(size_t& leaves) const override {
    for (auto& [id, child] : children)
      child->count(leaves);
  }

  // From children.
  void on_grant(job_id child, job_id id, rset r) override {
    core.on_granted(w.now_ns, child, id, std::move(r), "immediate", *this);
    pass();
  }
  void on_denial(job_id child, job_id id) override {
    core.on_denied(w.now_ns, child, id, "no", *this);
    pass();
  }
  void on_cancelled(job_id child, job_id id) override {
    core.on_cancelled(w.now_ns, child, id, *this);
    pass();
  }
  void on_lost(job_id child, job_id id) override {
    if (core.client_of(child, id))
      tell([me = me, id](upper& u) { u.on_lost(me, id); });
  }

  // What the core causes.
  node* child_of(job_id id) {
    auto it = children.find(id);
    return it == children.end() ? nullptr : it->second.get();
  }
  template <class F>
  void down(job_id child, F what) {
    if (auto* c = child_of(child))
      w.post(key, c->key, [to = c->weak_from_this(), what] {
        if (auto n = to.lock())
          what(*n);
      });
  }
  void give(job_id child, const job_spec_ptr& spec, const alloc_entry& e) override {
    down(child, [spec, e](node& n) { n.enqueue(spec, e); });
  }
  void take_back(job_id child, job_id id) override {
    down(child, [id](node& n) { n.cancel(id); });
  }
  void prioritize(job_id child, const alloc_entry& e) override {
    down(child, [e](node& n) { n.prioritize(e); });
  }
  void free(job_id child, job_id id) override {
    down(child, [id](node& n) { n.free(id); });
  }
  void extend(job_id child, job_id id, int64_t end_ns) override {
    down(child, [id, end_ns](node& n) { n.extend(id, end_ns); });
  }
  void granted(distributor_client, job_id id, rset&& r, std::string) override {
    tell([me = me, id, r = std::move(r)](upper& u) { u.on_grant(me, id, r); });
  }
  void denied(distributor_client, job_id id, std::string) override {
    tell([me = me, id](upper& u) { u.on_denial(me, id); });
  }
  void cancelled(distributor_client, job_id id) override {
    tell([me = me, id](upper& u) { u.on_cancelled(me, id); });
  }
  void lost(distributor_client, job_id id, std::string) override {
    tell([me = me, id](upper& u) { u.on_lost(me, id); });
  }
  job_id make_child(size_t place, const child_share& share) override {
    auto id = w.fresh();
    auto spec = w.specs.intern(child_jobspec({}, share, "hactor", place), "");
    HACTOR_CHECK(static_cast<bool>(spec));
    graph.enqueue({id, 16, 0, (*spec)->request});
    return id;
  }
  void free_child(job_id child) override { graph.free(child, std::nullopt, true); }

  // Of children: from what places them.
  void granted(job_id id, rset&& r, start_kind) override {
    grants[id] = r;
    core.child_granted(id, r);
    w.post(jobs_key, key, [this, life = weak_from_this(), id] {
      if (!life.expired() && grants.count(id) != 0)
        open(id);
    });
  }
  void denied(job_id id, std::string note) override {
    core.child_denied(w.now_ns, id, note, *this);
  }
  void cancelled(job_id) override {}

  void open(job_id id) {
    auto& grant = grants.at(id);
    auto inside = as_instance(grant, grant.ranks().expand());
    auto self = std::static_pointer_cast<distributing>(shared_from_this());
    if (tree.size() == 1)
      children[id] = std::make_shared<leaf>(w, self, key, id, inside);
    else
      children[id] = std::make_shared<distributing>(
          w, self, key, id, inside, std::vector<uint32_t>{tree.begin() + 1, tree.end()});
    core.child_opened(w.now_ns, id, *this);
    pass();
  }

  /// Its job ends, and its instance with it; which of these is heard of first is open.
  void kill(job_id id) {
    auto child = children.find(id);
    grants.erase(id);
    if (child != children.end()) {
      w.post(child->second->key, key, [this, life = weak_from_this(), id] {
        if (!life.expired())
          core.child_down(w.now_ns, id, *this), pass();
      });
      children.erase(child);
    }
    w.post(jobs_key, key, [this, life = weak_from_this(), id] {
      if (!life.expired())
        core.child_over(w.now_ns, id, *this), pass();
    });
  }
  void kill_something() override {
    if (grants.empty())
      return;
    auto it = std::next(grants.begin(), static_cast<ptrdiff_t>(w.below(grants.size())));
    auto* child = child_of(it->first);
    if (child != nullptr && w.below(2) == 0)
      child->kill_something();
    else
      kill(it->first);
  }
  void lose_rank(rank_t rank, const rset& rest) {
    std::vector<job_id> hit;
    for (auto& [id, r] : grants)
      if (r.find(rank) != nullptr)
        hit.push_back(id);
    for (auto id : hit)
      kill(id);
    graph.set_inventory(rest);
    core.set_inventory(rest);
    pass();
  }

  std::vector<uint32_t> tree;
  distributor_core core;
  scheduler_core graph;
  uint64_t jobs_key = w.next_end++; // who runs the children
  std::map<job_id, rset> grants;    // of children that live
  std::map<job_id, std::shared_ptr<node>> children;
};

/// Who submits, and in the end has seen each job through: the job manager's part.
struct user final : upper {
  enum class state { waiting, runs, ending, over };
  struct job {
    state now = state::waiting;
    bool cancel_sent = false;
    alloc_entry entry;
    job_spec_ptr spec;
    rset r;
    int tries = 1;
  };

  user(uint64_t seed, uint32_t nodes, std::vector<uint32_t> tree) : w{seed} {
    all = whole_nodes(nodes, 4);
    for (auto [slots, nodes] :
         {std::pair{1u, 0u}, {2u, 0u}, {3u, 0u}, {4u, 0u}, {2u, 1u}, {1u, 2u}}) {
      spec_text t;
      t.slots = slots;
      t.nodes = nodes;
      specs.push_back(intern(w.specs, t));
    }
    self = std::shared_ptr<user>{this, [](user*) {}};
    root = std::make_shared<distributing>(w, self, 0, job_id{}, all, std::move(tree));
    root->pass();
  }

  void to_root(std::function<void(distributing&)> what) {
    w.post(0, root->key, [this, what = std::move(what)] { what(*root); });
  }
  void submit() {
    job j;
    j.spec = specs[w.below(specs.size())];
    j.entry = {w.fresh(), static_cast<uint32_t>(w.below(3) * 8), w.now_ns};
    jobs[j.entry.id] = j;
    want(j);
  }
  void want(const job& j) {
    to_root([spec = j.spec, e = j.entry](distributing& d) { d.enqueue(spec, e); });
  }
  job* some(state s) {
    std::vector<job*> found;
    for (auto& [id, j] : jobs)
      if (j.now == s)
        found.push_back(&j);
    return found.empty() ? nullptr : found[w.below(found.size())];
  }
  void give_back(job& j) {
    for (auto& share : j.r.nodes)
      for (auto core : share.cores.expand())
        in_use.erase({share.rank, static_cast<uint32_t>(core)});
    to_root([id = j.entry.id](distributing& d) { d.free(id); });
    if (j.now == state::ending && j.tries < 3 && w.below(2) == 0) { // a retry: the same id again
      ++j.tries;
      j.now = state::waiting;
      j.cancel_sent = false;
      want(j);
      return;
    }
    over(j);
  }
  void over(job& j) {
    if (j.now == state::over)
      w.fail("ended twice");
    j.now = state::over;
    ++ended;
  }

  void on_grant(job_id, job_id id, rset r) override {
    auto& j = jobs.at(id);
    if (j.now != state::waiting)
      return w.fail(fmt::format("job {} was granted and did not wait", id.value));
    for (auto& share : r.nodes)
      for (auto core : share.cores.expand())
        if (!in_use.insert({share.rank, static_cast<uint32_t>(core)}).second)
          w.fail(fmt::format("core {} of rank {} is granted twice", core, share.rank));
    j.r = std::move(r);
    j.now = state::runs;
    if (j.cancel_sent)
      give_back(j);
  }
  void on_denial(job_id, job_id id) override {
    auto& j = jobs.at(id);
    if (j.now != state::waiting)
      return w.fail("denied, and did not wait");
    over(j);
    ++denials;
  }
  void on_cancelled(job_id, job_id id) override {
    auto& j = jobs.at(id);
    if (j.now != state::waiting || !j.cancel_sent)
      return w.fail("cancelled without having been asked");
    over(j);
  }
  void on_lost(job_id, job_id id) override {
    auto& j = jobs.at(id);
    losses += j.now == state::runs;
    if (j.now == state::runs)
      j.now = state::ending; // its tasks take a moment
  }

  void random_step() {
    w.now_ns += static_cast<int64_t>(w.below(60'000'000));
    auto what = w.below(100);
    if (what < 20) {
      submit();
    } else if (what < 35) {
      if (auto* j = some(state::runs))
        give_back(*j);
    } else if (what < 45) {
      if (auto* j = some(state::ending))
        give_back(*j);
    } else if (what < 48) {
      if (auto* j = some(state::waiting); j != nullptr && !j->cancel_sent) {
        j->cancel_sent = true;
        to_root([id = j->entry.id](distributing& d) { d.cancel(id); });
      }
    } else if (what < 51) {
      if (auto* j = some(state::waiting)) {
        j->entry.priority = static_cast<uint32_t>(w.below(3) * 8);
        to_root([e = j->entry](distributing& d) { d.prioritize(e); });
      }
    } else if (what < 52) {
      if (w.below(3) == 0)
        root->kill_something();
    } else if (what < 53 && w.below(20) == 0 && all.nodes.size() > 4) {
      auto rank = all.nodes[w.below(all.nodes.size())].rank;
      all = subtract(all, restrict_to(all, idset::single(rank)));
      root->lose_rank(rank, all);
      for (auto& [id, j] : jobs)
        if (j.now == state::runs && j.r.find(rank) != nullptr)
          j.now = state::ending;
    } else if (what < 55) {
      if (auto* j = some(state::runs)) {
        auto end =
            w.below(2) == 0 ? 0 : w.now_ns + static_cast<int64_t>(w.below(60)) * 1'000'000'000;
        to_root([id = j->entry.id, end](distributing& d) { d.extend(id, end); });
      }
    } else if (what < 60) {
      root->pass();
    } else {
      for (int n = 0; n < 8 && w.deliver(); ++n) {
      }
    }
  }

  /// No more faults: everything comes to its end.
  void finale() {
    for (auto& [id, j] : jobs)
      if (j.now == state::waiting && j.entry.priority == 0) {
        j.entry.priority = 16;
        to_root([e = j.entry](distributing& d) { d.prioritize(e); });
      }
    for (int i = 0; i < 200'000 && ended < jobs.size() && w.wrong.empty(); ++i) {
      w.now_ns += 1'000'000;
      if (w.deliver())
        continue;
      w.now_ns += 40'000'000;
      auto* j = some(state::runs);
      if (j == nullptr)
        j = some(state::ending);
      if (j != nullptr)
        give_back(*j);
      root->pass();
    }
    if (ended < jobs.size())
      w.fail(fmt::format("{} of {} jobs never ended: {}", jobs.size() - ended, jobs.size(),
                         describe()));
    auto c = root->core.counts();
    while (w.wrong.empty() && w.deliver()) {
    }
    c = root->core.counts();
    if (c.queued + c.given + c.running != 0)
      w.fail(fmt::format("{} jobs wait, {} are given, {} have room, and there is none", c.queued,
                         c.given, c.running));
  }

  std::string describe() {
    auto c = root->core.counts();
    auto text = fmt::format("{} queued, {} given, {} running", c.queued, c.given, c.running);
    for (auto& child : root->core.children())
      text +=
          fmt::format("; child {}: {} nodes {} cores, serves {}, {} given, {} run", child.id.value,
                      child.nodes, child.cores, child.serves, child.given, child.running);
    return text;
  }

  std::string run(uint64_t steps) {
    for (uint64_t i = 0; i < steps && w.wrong.empty(); ++i)
      random_step();
    if (w.wrong.empty())
      finale();
    return w.wrong;
  }

  world w;
  rset all;
  std::vector<job_spec_ptr> specs;
  std::shared_ptr<user> self;
  std::shared_ptr<distributing> root;
  std::map<job_id, job> jobs;
  std::set<std::pair<rank_t, uint32_t>> in_use;
  size_t ended = 0, denials = 0, losses = 0;
};

void run_seeds(uint32_t nodes, const std::vector<uint32_t>& tree) {
  size_t losses = 0, ended = 0;
  uint64_t moved = 0;
  for (auto seed = first_seed(1); seed <= last_seed(1, 12); ++seed) {
    CAPTURE(seed);
    user u{seed, nodes, tree};
    CHECK(u.run(from_environment("HACTOR_SIM_STEPS", 4000)) == "");
    losses += u.losses;
    ended += u.ended;
    moved += u.root->core.counts().taken_back;
  }
  MESSAGE("jobs: " << ended << ", lost with a child: " << losses << ", moved: " << moved);
  CHECK((is_replay() || losses > 0));
  CHECK((is_replay() || moved > 0));
}

} // namespace

TEST_SUITE("distributor_sim") {
  TEST_CASE("two levels: every job ends once, no core is granted twice") { run_seeds(4, {3}); }

  TEST_CASE("three levels: the same, whichever instance dies") { run_seeds(8, {2, 2}); }

  TEST_CASE("four levels on parts of nodes") { run_seeds(4, {2, 2, 2}); }
}
