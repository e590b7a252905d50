// Words as numbers: types, names and units of a graph are few, and compared often.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hactor {

/// Numbers count from 0 in the order in which words came; they stay.
class symbols {
public:
  /// The number of a word, given to it when it is new.
  uint32_t intern(std::string_view word) {
    if (auto i = index_.find(word); i != index_.end())
      return i->second;
    auto number = static_cast<uint32_t>(words_.size());
    words_.emplace_back(word);
    index_.emplace(word, number);
    return number;
  }

  std::optional<uint32_t> find(std::string_view word) const {
    auto i = index_.find(word);
    return i == index_.end() ? std::nullopt : std::optional{i->second};
  }

  /// Requires: the number was given out.
  const std::string& text(uint32_t number) const { return words_[number]; }

  size_t size() const { return words_.size(); }

private:
  struct hash {
    using is_transparent = void;
    size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
  };

  std::vector<std::string> words_;
  std::unordered_map<std::string, uint32_t, hash, std::equal_to<>> index_;
};

} // namespace hactor
