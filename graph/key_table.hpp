// Words to their positions in a list: what a million ids need instead of a map of strings. The
// words are kept by the caller.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace hactor {

class key_table {
public:
  /// Gives the word the next position, counted from 0. False: it has one already.
  bool add(std::string_view word) {
    if (2 * (words_.size() + 1) > slots_.size())
      grow();
    auto& slot = find_slot(word);
    if (slot != 0)
      return false;
    words_.push_back(word);
    slot = static_cast<uint32_t>(words_.size());
    return true;
  }

  std::optional<uint32_t> find(std::string_view word) {
    if (slots_.empty())
      return {};
    auto slot = find_slot(word);
    return slot == 0 ? std::nullopt : std::optional{slot - 1};
  }

private:
  uint32_t& find_slot(std::string_view word) {
    auto i = std::hash<std::string_view>{}(word) & (slots_.size() - 1);
    while (slots_[i] != 0 && words_[slots_[i] - 1] != word)
      i = (i + 1) & (slots_.size() - 1);
    return slots_[i];
  }

  void grow() {
    slots_.assign(slots_.empty() ? 64 : 2 * slots_.size(), 0);
    for (uint32_t i = 0; i < words_.size(); ++i)
      find_slot(words_[i]) = i + 1;
  }

  std::vector<std::string_view> words_;
  std::vector<uint32_t> slots_; // position + 1; 0: none. A power of two, half empty at least
};

} // namespace hactor
