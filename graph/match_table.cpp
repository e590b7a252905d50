// See match_table.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_table.hpp"

#include <algorithm>

namespace hactor {

namespace {

/// For each score the run of consecutive scores in which it lies, as its first.
class score_runs {
public:
  explicit score_runs(const std::vector<candidate>& list) {
    for (auto& c : list)
      scores_.push_back(c.score);
    std::sort(scores_.begin(), scores_.end());
    scores_.erase(std::unique(scores_.begin(), scores_.end()), scores_.end());
    for (size_t i = 0; i < scores_.size(); ++i)
      first_.push_back(i > 0 && scores_[i] == scores_[i - 1] + 1 ? first_.back() : scores_[i]);
  }
  int64_t operator()(int64_t score) const {
    auto i = std::lower_bound(scores_.begin(), scores_.end(), score) - scores_.begin();
    return first_[static_cast<size_t>(i)];
  }

private:
  std::vector<int64_t> scores_, first_;
};

/// Whether each comes before the next, so that there is one way to sort the list.
template <class Before>
bool is_strict(const std::vector<candidate>& list, Before before) {
  return std::adjacent_find(list.begin(), list.end(),
                            [&](auto& a, auto& b) { return !before(a, b); })
         == list.end();
}

/// How many of a sorted list have `units` together.
size_t enough(const std::vector<candidate>& list, uint64_t units) {
  uint64_t sum = 0;
  size_t n = 0;
  while (n < list.size() && sum < units)
    sum += list[n++].count;
  return n;
}

} // namespace

void best_of_lists::set(size_t place, int64_t best, uint64_t qualified) {
  auto at = nodes_.size() / 2 + place;
  nodes_[at] = {best, qualified};
  while (at > 1)
    refresh(at /= 2);
}

bool better(const candidate& a, const candidate& b, score_order order) {
  return order == score_order::low ? a.score < b.score : a.score > b.score;
}

void keep_best(candidates& c, uint64_t units, score_order order, bool as_fluxion) {
  auto& list = c.list;
  auto by_score = [order](const candidate& a, const candidate& b) { return better(a, b, order); };
  auto by_run = as_fluxion && order == score_order::runs;
  auto behind = [&](const candidate& a, const candidate& b) { return by_score(b, a); };
  if (!by_run && is_strict(list, by_score)) {
    // Siblings mostly come in the order of their scores, or the other way round.
  } else if (!by_run && is_strict(list, behind)) {
    std::reverse(list.begin(), list.end());
  } else if (as_fluxion) {
    if (by_run) {
      score_runs run{list};
      std::sort(list.begin(), list.end(), [&](const candidate& a, const candidate& b) {
        return run(a.score) > run(b.score);
      });
    } else {
      std::sort(list.begin(), list.end(), by_score);
    }
  } else if (list.size() > 1) {
    if (units <= list.front().count) {
      // One of most is enough mostly: the first of the best.
      auto best = std::min_element(list.begin(), list.end(), by_score);
      if (best->count >= units) {
        list.front() = *best;
        list.resize(1);
        return;
      }
    }
    std::stable_sort(list.begin(), list.end(), by_score);
  }
  list.resize(enough(list, units));
}

} // namespace hactor
