// What hactor-start was asked to do: its command line, read before anything else.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/config.hpp"
#include "runtime/idset.hpp"

namespace hactor {

struct start_options {
  config attributes;
  std::string mpi;            // "" to look, "none", or the name of a module
  bool oversubscribe = false; // each rank has its whole host
  bool verbose = false;
  std::vector<std::string> command; // empty: an interactive shell
  // Of the job whose tasks the brokers are; none: there is no such job.
  std::optional<idset> cores, gpus; // of this host, that it was granted
  double starts = 0, ends = 0;      // seconds since the epoch; 0: never
  bool help = false;
  bool version = false;
};

/// Errors: ec::bad_argument, naming the option, with near names.
caf::expected<start_options> parse_start_options(int argc, char** argv);

/// The text of --help.
std::string start_help();

} // namespace hactor
