// What the launcher of an MPI has set for its ranks under names by which people tune that MPI, e.g.
// OMPI_MCA_btl for `mpirun --mca btl ..`: it is for the brokers, and no job must have it. What was
// set before, in the environment of the launcher itself, is a person's.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hactor {

/// True when the environment (NAME=VALUE, each ended by a NUL) is that of a launcher's rank.
bool is_of_rank(std::string_view environment);

class launcher_settings {
public:
  /// `before`: the environment of the launcher; nothing: it is not known.
  launcher_settings(bool launched, std::optional<std::string> before)
      : launched_{launched}, before_{std::move(before)} {}

  /// Of this process: its launcher is the nearest ancestor that is not of a rank.
  static launcher_settings of_this_process();

  /// Whether NAME=VALUE of our environment is such a setting. O(size of the environment).
  bool made(std::string_view entry) const;

private:
  bool launched_;
  std::optional<std::string> before_;
};

} // namespace hactor
