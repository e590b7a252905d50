// The options of a job that stand in its script (RFC 36): lines "# hactor: -N 4", "#HACTOR -N4",
// "# flux: -N 4", and Slurm's "#SBATCH -N 4". Caller: cmd_batch.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string_view>

#include "tools/command.hpp"

namespace hactor::tools {

struct directives {
  /// Options as they stand, in order, without operands.
  std::vector<std::pair<const option_spec*, std::string>> values;
  std::vector<std::string> warnings; ///< Of what is left out, each with its line.
};

/// Reads the directives of a script as options of `of`. All have the sentinel of the first; they
/// end at the first line that is not empty and does not begin as they do. #SBATCH lines end at the
/// first line that is no comment; what of Slurm's options has no meaning here is warned of.
/// Errors: ec::bad_argument, naming the line: quotes without end, an option that is unknown or
/// lacks its value, a word that is no option, a directive that comes after their end.
caf::expected<directives> read_directives(std::string_view script, const command& of);

} // namespace hactor::tools
