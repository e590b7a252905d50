// The two ways to name a job that need an instance to be asked: ID.INDEX, a job of an array
// (--cc), and ID/ID, a job of the instance that a job holds. Commands know of neither: their words
// are put in plain ids, and HACTOR_URI is set to the instance that has these. Caller: hactor.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/command.hpp"

namespace hactor::tools {

/// What a command is to be run with in one instance.
struct placed_words {
  std::string uri; ///< Of the instance that has the jobs; "": the one that HACTOR_URI names.
  parsed_options options;
};

/// The command's words with plain ids, once for each instance that has some of the jobs, in the
/// order in which they are named first. Nobody is asked unless a word needs it. ID.[SET] is all
/// jobs of an array with these indices; a path that begins with '/', as HACTOR_JOB_ID_PATH has it,
/// begins in the outermost instance.
/// Errors: ec::bad_argument (no array, no such index, too many jobs for the command, several
/// instances where the command can have but one); ec::no_instance, the broker's.
caf::expected<std::vector<placed_words>> place_ids(const parsed_options& options);

/// How a dependency says which jobs `word` names: ID[INDEX] for ID.INDEX, else as it stands, as
/// names of jobs do. `option` is named in errors. Errors: ec::bad_argument: ID/ID, a job of another
/// instance.
caf::expected<std::string> reference_of(std::string_view option, std::string_view word);

} // namespace hactor::tools
