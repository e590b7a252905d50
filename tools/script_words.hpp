// The options in scripts that were written for another system, in the words of ours: "#SBATCH"
// lines are sbatch's, "# flux:" lines those of flux batch. A letter means there what it means to
// them, whatever it means on our command line. Caller: directives.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"

namespace hactor::tools {

/// What one line says in our words.
struct own_words {
  std::vector<std::string> words;
  std::vector<std::string> ignored; ///< Options as they stand, which have no meaning here.
};

/// The words of a line for flux batch.
std::vector<std::string> from_flux(std::vector<std::string> words);

/// Reads the lines for sbatch, one after another. GPUs are said by several options together, so
/// they come last.
class slurm_words {
public:
  /// What sbatch has not is handed on as it stands. Errors: ec::bad_argument (no value).
  caf::expected<own_words> line(const std::vector<std::string>& words);

  /// What the lines say together of GPUs.
  own_words finish() const;

private:
  friend class slurm_line;
  // Of the whole script; texts of numbers as they stand, empty: not said.
  std::string nodes_, tasks_, gpus_, gpus_per_node_, gpus_per_task_, cores_per_gpu_,
      tasks_per_gpu_;
};

} // namespace hactor::tools
