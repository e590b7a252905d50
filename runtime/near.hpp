// "Did you mean ...?": names that a mistyped word may have stood for.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hactor {

/// Counts the insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
/// O(length of a x length of b).
size_t edit_distance(std::string_view a, std::string_view b);

/// Returns at most `count` candidates that are near `word`, nearest first, in the order given where
/// equal. Near: a third of the letters wrong at most (two in short words), or one begins the other.
std::vector<std::string> near_names(std::string_view word,
                                    const std::vector<std::string_view>& candidates,
                                    size_t count = 3);

/// Returns "; did you mean a, b or c?", or "" when nothing is near: the tail of a message.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

} // namespace hactor
