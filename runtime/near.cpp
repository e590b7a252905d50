// See near.hpp. The distance is the restricted Damerau-Levenshtein one (optimal string alignment).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/near.hpp"

#include <algorithm>
#include <utility>

namespace hactor {

namespace {

// Nobody mistypes longer names; bounds the work that a hostile word can cause.
constexpr size_t word_bytes_max = 256;

// A word of one or two letters begins too many names to say anything.
constexpr size_t prefix_bytes_min = 3;

bool begins(std::string_view shorter, std::string_view longer) {
  return shorter.size() >= prefix_bytes_min && longer.starts_with(shorter);
}

} // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows of the table: two back, one back, this one.
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      auto replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::vector<std::string> near_names(std::string_view word,
                                    const std::vector<std::string_view>& candidates, size_t count) {
  if (word.empty() || word.size() > word_bytes_max)
    return {};
  std::vector<std::pair<size_t, std::string_view>> found;
  for (auto name : candidates) {
    if (name.empty() || name.size() > word_bytes_max)
      continue;
    auto distance = edit_distance(word, name);
    auto length = std::max(word.size(), name.size());
    auto allowed = std::max(std::min<size_t>(2, length / 2), length / 3);
    if (distance <= allowed || begins(word, name) || begins(name, word))
      found.emplace_back(distance, name);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& x, const auto& y) { return x.first < y.first; });
  std::vector<std::string> names;
  for (const auto& [distance, name] : found) {
    if (names.size() == count)
      break;
    names.emplace_back(name);
  }
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  auto names = near_names(word, candidates);
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    text += i == 0 ? "; did you mean " : i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text.empty() ? text : text + "?";
}

} // namespace hactor
