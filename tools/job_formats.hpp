// The formats of `hactor jobs -o` that have names: those of hactor, and those of people's and
// sites' files hactor/jobs.toml in the configuration folders of XDG, which win.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "runtime/error.hpp"

namespace hactor::tools {

struct named_format {
  std::string name;
  std::string text;
  std::string description;
};

/// All of them, one of a name each. Errors: ec::bad_argument for a file that cannot be read as it
/// should be, naming it.
caf::expected<std::vector<named_format>> job_formats();

/// What `said` stands for: a format's name, or itself. Without it the name in
/// HACTOR_JOBS_FORMAT_DEFAULT, or "default". Errors: as job_formats; ec::bad_argument for a name
/// that there is not, with near ones.
caf::expected<std::string> find_job_format(const std::string& said);

} // namespace hactor::tools
