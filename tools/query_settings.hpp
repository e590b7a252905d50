// What a person may choose when a resource graph is asked: the options of 'hactor graph' and of
// resource-query, with their defaults.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

namespace hactor::tools {

struct query_settings {
  std::string load_file = "conf/default"; ///< "": this machine, as hwloc sees it.
  std::string load_format = "grug";
  std::string allowlist;         ///< Types to be loaded, comma separated; "": all.
  std::string subsystems = "CA"; ///< A predefined set, or names, comma separated.
  std::string policy = "first";
  std::string match_format = "simple";
  std::string prune_filters = "ALL:core,ALL:node";
  std::string traverser = "simple";
  std::string graph_output; ///< The base name of a file for the graph at the end; "": none.
  std::string graph_format = "dot";
  std::string test_output; ///< A file for the results instead of standard output; "": none.
  bool elapse_time = false;
  bool prompt = true;
  bool charge = false; ///< Amounts in other subsystems are held, not only looked at.
};

} // namespace hactor::tools
