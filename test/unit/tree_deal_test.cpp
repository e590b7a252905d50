// tools: who of a 'hactor tree' may run which jobs, also when instances are lost.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/tree_deal.hpp"

#include <deque>
#include <map>
#include <random>
#include <set>

#include <doctest/doctest.h>

#include "tools/client.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

job_set jobs(std::string_view text) {
  auto read = job_set::parse(text);
  REQUIRE(read);
  return *read;
}

/// What comes out of one end of a line goes in at the other.
tree_word sent(const tree_word& word) {
  auto line = parse_object(to_line(word));
  REQUIRE(line);
  auto read = read_word(object_at(*line, "word"));
  REQUIRE(read);
  return *read;
}

tree_answer sent(const tree_answer& answer) {
  auto read = read_answer(to_line(answer));
  REQUIRE(read);
  return *read;
}

/// A tree of three levels whose instances speak, are late, and are lost in the middle of it all.
class world {
public:
  world(uint32_t seed, uint64_t jobs) : random_(seed) {
    constexpr size_t halves = 2, leaves = 3; // of each half
    top_.deal = std::make_unique<tree_deal>(true);
    for (size_t i = 0; i < halves; ++i) {
      auto first = jobs * i / halves, end = jobs * (i + 1) / halves;
      top_.deal->add(first, end - first);
      auto& half = top_.children.emplace_back();
      half.deal = std::make_unique<tree_deal>(false);
      for (size_t k = 0; k < leaves; ++k) {
        auto from = first + (end - first) * k / leaves,
             to = first + (end - first) * (k + 1) / leaves;
        half.deal->add(from, to - from);
        auto& leaf = half.children.emplace_back();
        leaf.supply = std::make_unique<tree_supply>(from, to - from, 1 + pick(4));
      }
    }
  }

  /// Until nothing is left that could happen.
  void run(size_t losses) {
    for (size_t step = 0; step < 200'000 && !over(); ++step) {
      if (losses > 0 && pick(150) == 0) {
        --losses;
        lose_one();
      }
      now_ns_ += 1'000'000;
      move(top_);
    }
    REQUIRE(over());
  }

  std::map<uint64_t, int> starts; // by job
  uint64_t ended = 0;
  uint64_t lost = 0; // that may have begun there; those of a leaf perhaps at both levels above

  /// Which nobody is left to run.
  uint64_t left() const {
    auto n = top_.deal->pool().size();
    for (auto& half : top_.children)
      n += half.deal->pool().size();
    return n;
  }

private:
  struct node {
    std::unique_ptr<tree_deal> deal;     // a level
    std::unique_ptr<tree_supply> supply; // a leaf
    std::vector<node> children = {};
    std::deque<tree_word> up = {};
    std::deque<tree_answer> down = {};
    std::set<uint64_t> waiting = {}, running = {};
    bool gone = false;
  };

  uint32_t pick(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  bool over() const {
    for (auto& child : top_.children)
      if (!child.gone)
        return false;
    return true;
  }

  void lose_one() {
    auto& half = top_.children[pick(2)];
    (pick(4) == 0 ? half : half.children[pick(3)]).gone = true;
  }

  /// Words that were on their way when the sender was lost may come or not.
  void move(node& n) {
    if (n.supply)
      work(n);
    for (size_t i = 0; i < n.children.size(); ++i)
      move_child(n, i);
    if (&n == &top_ || n.gone || pick(3) != 0)
      return;
    auto word = n.supply ? n.supply->take_word(now_ns_) : n.deal->take_word();
    if (!word.empty())
      n.up.push_back(sent(word));
  }

  void move_child(node& n, size_t i) {
    auto& child = n.children[i];
    if (n.gone)
      return;
    if (!child.gone)
      move(child);
    while (!child.up.empty() && pick(2) == 0) {
      n.deal->told(i, child.up.front());
      child.up.pop_front();
    }
    for (auto& [to, answer] : n.deal->take_answers())
      n.children[to].down.push_back(sent(answer));
    while (!child.gone && !child.down.empty() && pick(2) == 0) {
      if (child.supply)
        child.supply->take(child.down.front());
      else
        child.deal->take(child.down.front());
      child.down.pop_front();
    }
    end_child(n, i);
  }

  void end_child(node& n, size_t i) {
    auto& child = n.children[i];
    auto over = !child.gone && child.up.empty()
                && (child.supply ? child.supply->over() : child.deal->alone());
    if (child.gone && told_.count(&child) == 0) {
      told_.insert(&child);
      auto loss = n.deal->lost(i);
      lost += loss.running + loss.unknown;
    } else if (over && told_.count(&child) == 0 && (child.supply || flushed(child))) {
      told_.insert(&child);
      child.gone = true;
      (void)n.deal->lost(i);
    }
  }

  /// A level says all that it has to say before it ends.
  bool flushed(node& level) {
    auto word = level.deal->take_word();
    if (word.empty())
      return true;
    level.up.push_back(sent(word));
    return false;
  }

  void work(node& leaf) {
    if (leaf.gone)
      return;
    auto handed = leaf.supply->take_handed();
    for (auto& [first, end] : handed.ranges())
      for (auto job = first; job < end; ++job)
        leaf.waiting.insert(job);
    if (!leaf.waiting.empty() && pick(2) == 0) {
      auto job = *leaf.waiting.begin();
      leaf.waiting.erase(job);
      leaf.running.insert(job);
      ++starts[job];
      leaf.supply->began(job);
    }
    if (!leaf.running.empty() && pick(3) == 0) {
      auto job = *leaf.running.begin();
      leaf.running.erase(job);
      ++ended;
      leaf.supply->ended(job, true);
    }
  }

  std::mt19937 random_;
  node top_;
  std::set<const node*> told_;
  int64_t now_ns_ = 1;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("sets of jobs are what they are as text") {
    for (auto* text : {"", "0", "0-3", "0-3,5,7-9", "18446744073709551614"})
      CHECK(jobs(text).to_string() == text);
    CHECK(jobs("4,2-3,0-1").to_string() == "0-4");
    CHECK(jobs("0-3,2-9").size() == 10);
    for (auto* text : {"x", "1,", ",1", "3-1", "1-", "1 2", "-1", "18446744073709551615"})
      CHECK_FALSE(job_set::parse(text));
  }

  TEST_CASE("sets of jobs do as sets of numbers do") {
    std::mt19937 random{7};
    for (int round = 0; round < 300; ++round) {
      job_set a, b;
      std::set<uint64_t> x, y;
      for (int i = 0; i < 30; ++i) {
        uint64_t first = random() % 40, end = first + random() % 6;
        auto adds = random() % 3 != 0;
        auto& set = i % 2 == 0 ? a : b;
        adds ? set.add({first, end}) : set.subtract({first, end});
        for (auto n = first; n < end; ++n)
          adds ? (void)(i % 2 == 0 ? x : y).insert(n) : (void)(i % 2 == 0 ? x : y).erase(n);
      }
      auto both = a & b, sum = a, rest = a - b;
      sum += b;
      uint64_t in_both = 0, in_sum = 0;
      for (uint64_t n = 0; n < 50; ++n) {
        REQUIRE(a.contains(n) == (x.count(n) > 0));
        REQUIRE(both.contains(n) == (x.count(n) + y.count(n) == 2));
        REQUIRE(sum.contains(n) == (x.count(n) + y.count(n) > 0));
        REQUIRE(rest.contains(n) == (x.count(n) > y.count(n)));
        in_both += both.contains(n);
        in_sum += sum.contains(n);
      }
      REQUIRE(both.size() == in_both);
      REQUIRE(sum.size() == in_sum);
      REQUIRE(a == jobs(a.to_string()));
      auto few = sum.take_first(3);
      REQUIRE(few.size() == std::min<uint64_t>(in_sum, 3));
      REQUIRE((few & sum).empty());
    }
  }

  TEST_CASE("a leaf asks for what it can run, and for more only when jobs end fast") {
    tree_supply leaf{100, 50, 4};
    constexpr int64_t ms = 1'000'000;
    CHECK(leaf.take_word(1).want.to_string() == "100-103");
    CHECK(leaf.take_word(20 * ms).empty());
    leaf.take({jobs("100-103"), {}});
    CHECK(leaf.take_handed().to_string() == "100-103");
    CHECK(leaf.take_handed().empty());
    leaf.began(100);
    leaf.ended(100, false);
    auto word = leaf.take_word(1'000 * ms);
    CHECK(word.want.to_string() == "104");
    CHECK(word.began.to_string() == "100");
    CHECK(word.ended.to_string() == "100");
    CHECK(word.failed == 1);
    // Three ended in the last tenth of a second: as many again will in the next.
    leaf.take({jobs("104"), {}});
    for (uint64_t job : {101, 102, 103})
      leaf.ended(job, true);
    CHECK(leaf.take_word(1'050 * ms).want.to_string() == "105-110");
  }

  TEST_CASE("a leaf ends when nobody has more for it once it has ended what it had") {
    tree_supply leaf{0, 1, 2};
    auto word = leaf.take_word(1);
    CHECK(word.want.to_string() == "0");
    CHECK(word.room == 1);
    leaf.take({jobs("0"), job_set{}});
    leaf.began(0);
    CHECK(leaf.take_word(2).room == 0); // it was told that there is none
    leaf.ended(0, true);
    CHECK_FALSE(leaf.over());
    CHECK(leaf.take_word(3).room > 0);
    leaf.take({{}, jobs("7-8")});
    CHECK(leaf.take_handed().to_string() == "0,7-8");
    for (uint64_t job : {7, 8})
      leaf.ended(job, true);
    CHECK(leaf.take_word(4).room > 0);
    CHECK_FALSE(leaf.over());
    leaf.take({{}, job_set{}});
    CHECK(leaf.over());
  }

  TEST_CASE("what a lost child was not handed goes to one that has room, the rest is counted") {
    tree_deal deal{true};
    deal.add(0, 10);
    deal.add(10, 10);
    tree_word word;
    word.want = jobs("0-5");
    deal.told(0, word);
    CHECK(deal.take_answers().size() == 1);
    word = {};
    word.began = jobs("0-3");
    word.ended = jobs("0,1");
    word.failed = 1;
    deal.told(0, word);
    auto loss = deal.lost(0);
    CHECK(loss.ended == 2);
    CHECK(loss.failed == 1);
    CHECK(loss.running == 2);
    CHECK(loss.unknown == 2);
    CHECK(deal.pool().to_string() == "6-9");
    word = {};
    word.room = 3;
    deal.told(1, word);
    auto answers = deal.take_answers();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].second.more->to_string() == "6-8");
    // What is no child's to want is not handed to it.
    word = {};
    word.want = jobs("0-9,12");
    deal.told(1, word);
    CHECK(deal.take_answers()[0].second.run.to_string() == "12");
    CHECK_FALSE(deal.alone());
    deal.stop();
    word.want = jobs("13");
    word.room = 1;
    deal.told(1, word);
    CHECK(deal.take_answers()[0].second.run.empty());
    (void)deal.lost(1);
    CHECK(deal.alone());
  }

  TEST_CASE("a level between hands nothing down that all above do not know of") {
    tree_deal deal{false};
    deal.add(0, 4);
    deal.add(4, 4);
    tree_word word;
    word.want = jobs("0-1");
    deal.told(0, word);
    CHECK(deal.take_answers().empty());
    CHECK(deal.take_word().want.to_string() == "0-1");
    // The child is lost before the answer comes: its neighbour has all four.
    CHECK(deal.lost(0).unknown == 0);
    word = {};
    word.room = 8;
    deal.told(1, word);
    CHECK(deal.take_word().want.to_string() == "2-3");
    deal.take({jobs("0-1"), {}});
    CHECK(deal.take_answers()[0].second.more->to_string() == "0-1");
    deal.take({jobs("2-3"), {}});
    CHECK(deal.take_answers()[0].second.more->to_string() == "2-3");
  }

  TEST_CASE(
      "whatever is lost when, no job runs twice, and none is forgotten while a leaf is left") {
    for (uint32_t seed = 1; seed <= 200; ++seed) {
      CAPTURE(seed);
      constexpr uint64_t all = 120;
      world w{seed, all};
      w.run(seed % 7);
      uint64_t started = 0;
      for (auto& [job, times] : w.starts) {
        CAPTURE(job);
        REQUIRE(times == 1);
        REQUIRE(job < all);
        ++started;
      }
      if (seed % 7 == 0) {
        REQUIRE(w.ended == all);
        REQUIRE(w.left() == 0);
      }
      REQUIRE(started + w.left() + w.lost >= all);
    }
  }

} // TEST_SUITE
