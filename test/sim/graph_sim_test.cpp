// A resource graph under 100,000 random steps: jobs of many shapes are matched now or later, end,
// release parts; nodes go down and up, come and go. After each step every count is the sum of what
// is below it and nothing is held twice; at the end nothing is held. HACTOR_SIM_SEED and
// HACTOR_SIM_STEPS replay and lengthen.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <random>

#include "match_bench.hpp"
#include "seeds.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

const std::vector<std::string> shapes{
    "[{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}]",
    "[{type: slot, count: {min: 1, max: 6}, label: s, with: [{type: core, count: 2}]}]",
    "[{type: node, count: 1, exclusive: true, with: [{type: slot, count: 1, label: s, with: "
    "[{type: "
    "core, count: 1}]}]}]",
    "[{type: node, count: 2, with: [{type: slot, count: 2, label: s, with: [{type: core, count: "
    "1}, "
    "{type: gpu, count: 1}]}]}]",
    "[{type: rack, count: 1, with: [{type: slot, count: 2, label: s, with: [{type: node, count: 1, "
    "with: [{type: core, count: 2}]}]}]}]",
    "[{type: node, count: 2, with: [{type: slot, count: 1, label: s, with: [{type: core, count: "
    "1}]}]},"
    " {type: node, count: 1, with: [{type: slot, count: 1, label: t, with: [{type: gpu, count: "
    "2}]}]}]",
    "[{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}, {type: licence, count: 3}]",
};

/// One seed's graph, its jobs and its clock.
class world {
public:
  world(uint32_t seed, const std::string& policy)
      : random_{seed}, b_{graph(),
                          policy,
                          "ALL:core,ALL:node,rack:gpu",
                          {.fetch_ahead_min = seed % 2 == 0 ? 0 : size_t{200'000}}} {}

  void step() {
    now_ += static_cast<int64_t>(random_() % 3);
    switch (random_() % 16) {
    default:
      match();
      break;
    case 9:
    case 10:
    case 11:
    case 12:
      release();
      break;
    case 13:
      release_part();
      break;
    case 14:
      flip_node();
      break;
    case 15:
      random_() % 4 == 0 ? attach_or_detach() : release();
      break;
    }
    auto e = b_.held.audit();
    REQUIRE_MESSAGE(!e, render(e));
  }

  void finish() {
    std::vector<uint64_t> jobs;
    for (auto& [job, h] : b_.held.holdings())
      jobs.push_back(job);
    for (auto job : jobs)
      REQUIRE(b_.held.release(job));
    REQUIRE(!b_.held.audit());
    REQUIRE(b_.held.pool().points() == 0);
    REQUIRE(b_.held.idle(b_.g.root()));
  }

  uint64_t matched = 0, reserved = 0;

private:
  static resource_graph graph() {
    auto g = make_cluster({{"rack", 2}, {"node", 3}, {"core", 4}});
    cluster_builder c{g};
    for (int32_t n = 0; n < 6; n += 2)
      for (int i = 0; i < 2; ++i)
        c.add("gpu", i, g.of_rank(n)[0]);
    c.add("licence", 0, g.root(), 7);
    return g;
  }

  void match() {
    if (shape_version_ != b_.g.shape_version()) { // types may be new
      requests_.clear();
      for (auto& s : shapes)
        requests_.push_back(compile(b_.g, spec_text(s)));
      shape_version_ = b_.g.shape_version();
    }
    auto op = random_() % 3 == 0 ? match_op::allocate_or_reserve : match_op::allocate;
    b_.take(requests_[random_() % requests_.size()], op, now_);
    matched += b_.last.verdict == match_verdict::matched;
    reserved += b_.last.reserved;
  }

  /// A job that has or had something; mostly one of the last.
  uint64_t some_job() { return b_.jobs - std::min<uint64_t>(random_() % 24, b_.jobs); }

  void release() { b_.held.release(some_job()); }

  void release_part() {
    b_.held.release_ranks(some_job(), idset::single(static_cast<uint32_t>(random_() % 8)));
  }

  std::vector<vertex> nodes() const {
    std::vector<vertex> result;
    for (vertex v = 0; v < b_.g.limit(); ++v)
      if (b_.g.exists(v) && b_.g.type_name(v) == "node")
        result.push_back(v);
    return result;
  }

  void flip_node() {
    auto all = nodes();
    auto v = all[random_() % all.size()];
    auto up = b_.g.status(v) == vertex_status::up;
    b_.g.set_status(v, up ? vertex_status::down : vertex_status::up);
    b_.held.touched(v);
  }

  void attach_or_detach() {
    auto all = nodes();
    if (all.size() > 4 && random_() % 2 == 0) {
      auto v = all[random_() % all.size()];
      b_.held.shrinking(v);
      b_.g.remove_subtree(v);
      return;
    }
    auto racks = b_.g.below(b_.g.root());
    cluster_builder c{b_.g};
    auto rack = racks[random_() % 2];
    auto node = c.add("node", next_node_++, rack);
    b_.g.set_rank(node, static_cast<int32_t>(next_node_ % 8));
    for (int i = 0; i < 4; ++i)
      c.add("core", i, node);
    b_.held.grown();
  }

  std::mt19937 random_;
  match_bench b_;
  std::vector<std::shared_ptr<const match_request>> requests_;
  uint64_t shape_version_ = 0;
  int64_t now_ = 0;
  int64_t next_node_ = 100;
};

} // namespace

TEST_CASE("a graph under random jobs, failures, growth and shrinking counts right at every step") {
  const char* policies[] = {"first", "low", "high", "lonode", "hinodex", "locality", "variation"};
  auto seed = static_cast<uint32_t>(from_environment("HACTOR_SIM_SEED", 1));
  auto steps = from_environment("HACTOR_SIM_STEPS", 100'000);
  uint64_t matched = 0, reserved = 0;
  for (auto policy : policies) {
    world w{seed, policy};
    for (uint64_t i = 0; i < steps / std::size(policies); ++i) {
      INFO("policy " << std::string{policy} << ", seed " << seed << ", step " << i);
      w.step();
    }
    w.finish();
    matched += w.matched;
    reserved += w.reserved;
  }
  CHECK(matched > steps / 10);
  CHECK(reserved > steps / 100);
}
