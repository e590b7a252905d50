// See query_options.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/query_options.hpp"

#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "graph/match_writer.hpp"
#include "runtime/near.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec specs[] = {
    {'L', "load-file", "FILE",
     "The file of the resource graph. Default: conf/default; of hactor graph with -f hwloc, this "
     "machine."},
    {'f', "load-format", "FORMAT",
     "What the file is: grug (a recipe in GraphML), jgf, jgf_shorthand, hwloc (XML) or rv1exec (R "
     "of version 1; "
     "also with two or more ranks on one host as rv1exec_force). Default: grug."},
    {'W', "load-allowlist", "TYPES",
     "Of hwloc's XML only vertices of these types, comma separated, and the cluster are loaded; "
     "what is in between is passed over. Files of other formats are loaded as they are, with a "
     "warning. May be given several times. Default: all."},
    {'S', "match-subsystems", "SET",
     "The subsystems that are looked at, the first one depth first: CA (containment), IBA, IBBA "
     "(network), PFS1BA (file system), PA (power), VA (virtual), C+IBA, C+IBBA, C+PFS1BA, C+PA, "
     "IB+IBBA, C+P+IBA, V+PFS1BA, ALL; or their names, comma separated. Default: CA."},
    {'P', "match-policy", "POLICY",
     "What is chosen among what fits: first, firstnodex, high, low (ids), hinode, lonode (the "
     "node's id "
     "first), hinodex, lonodex (whole nodes), locality (runs of ids), variation (nodes of like "
     "perf_class); or parts as in \"policy=high node_exclusive=true\"; or the path of a library "
     "(hactor/policy.h), with a slash. Default: first."},
    {'F', "match-format", "FORMAT",
     "How what was found is written: simple, pretty_simple (trees), rlite, rv1, rv1_nosched, "
     "rv1_shorthand (R), jgf, jgf_shorthand, idset (numbers of vertices). Default: simple."},
    {'p', "prune-filters", "FILTERS",
     "Which vertices count what is free below them, as HIGH:LOW[,HIGH:LOW...]; ALL for all. "
     "Changes "
     "how fast matches are, not what they find. May be given several times. Default: "
     "ALL:core,ALL:node."},
    {'T', "traverser-policy", "NAME",
     "How requests are read: simple, or flexible (slots side by side are a choice and may be "
     "mixed; "
     "of xor_slots one kind is taken). Default: simple."},
    {'g', "graph-format", "FORMAT", "What --graph-output writes: dot or graphml. Default: dot."},
    {'o', "graph-output", "BASENAME",
     "Writes the graph to BASENAME.dot or BASENAME.graphml at the end."},
    {'t', "test-output", "FILE",
     "Results go to the file instead of standard output; lists, help and errors do not."},
    {'r', "reserve-vtx-vec", "COUNT",
     "Accepted for the sake of scripts; memory is taken as it is needed. 0 to 2000000."},
    {'e', "elapse-time", nullptr,
     "Prints how long loading and each match took, and how many vertices were visited."},
    {'d', "disable-prompt", nullptr,
     "No prompt. There is none either when standard input is no terminal."},
    {0, "charge", nullptr,
     "Jobs hold what they ask for in other subsystems than the first (power, bandwidth), so that "
     "nobody else can have it, as in an instance. Default: as Fluxion, which looks whether there "
     "is "
     "that much and holds none of it: any number of jobs may have the same 500 W."},
};

caf::error bad(const option_spec& option, const std::string& what) {
  return make_error(ec::bad_argument, std::string{"--"} + option.name + ": " + what);
}

caf::error one_of(const option_spec& option, const std::string& value,
                  const std::vector<std::string_view>& names) {
  std::string known;
  for (auto name : names) {
    if (name == value)
      return {};
    known += (known.empty() ? "" : ", ") + std::string{name};
  }
  return bad(option,
             "unknown: '" + value + "'" + did_you_mean(value, names) + "; there are: " + known);
}

caf::error check_file(const option_spec& option, const std::string& value) {
  std::error_code ignored;
  if (!std::filesystem::exists(value, ignored))
    return bad(option, "file does not exist: " + value);
  if (std::filesystem::is_directory(value, ignored))
    return bad(option, "is a directory: " + value);
  return {};
}

/// Adds to a comma separated list.
void append(std::string& list, const std::string& value) {
  if (value.find_first_not_of(' ') != value.npos)
    list += (list.empty() ? "" : ",") + value;
}

} // namespace

std::span<const option_spec> query_option_specs() { return specs; }

caf::error set_query_option(query_settings& s, const option_spec& option,
                            const std::string& value) {
  std::string_view name = option.name;
  if (name == "load-file") {
    s.load_file = value;
    return value == "-" ? caf::error{} : check_file(option, value);
  }
  if (name == "load-format") {
    s.load_format = value;
    return one_of(option, value,
                  {"grug", "hwloc", "jgf", "jgf_shorthand", "rv1exec", "rv1exec_force"});
  }
  if (name == "match-format") {
    s.match_format = value;
    auto names = match_format_names();
    names.push_back("pretty");
    return one_of(option, value, names);
  }
  if (name == "graph-format") {
    s.graph_format = value;
    return one_of(option, value, {"dot", "graphml"});
  }
  if (name == "traverser-policy") {
    s.traverser = value;
    return one_of(option, value, {"simple", "flexible"});
  }
  if (name == "reserve-vtx-vec") {
    auto count = std::strtoll(value.c_str(), nullptr, 10);
    return count >= 0 && count <= 2'000'000 ? caf::error{} : bad(option, "out of range: " + value);
  }
  if (name == "prune-filters") {
    // The first one given takes the place of the default.
    if (s.prune_filters == query_settings{}.prune_filters)
      s.prune_filters.clear();
    append(s.prune_filters, value);
  } else if (name == "load-allowlist") {
    append(s.allowlist, value);
  } else if (name == "match-subsystems") {
    s.subsystems = value;
  } else if (name == "match-policy") {
    s.policy = value;
  } else if (name == "graph-output") {
    s.graph_output = value;
  } else if (name == "test-output") {
    s.test_output = value;
  } else if (name == "elapse-time") {
    s.elapse_time = true;
  } else if (name == "disable-prompt") {
    s.prompt = false;
  } else if (name == "charge") {
    s.charge = true;
  }
  return {};
}

caf::expected<query_settings> read_query_options(const parsed_options& options) {
  query_settings settings;
  for (auto& [option, value] : options.values)
    if (auto e = set_query_option(settings, *option, value))
      return e;
  return settings;
}

} // namespace hactor::tools
