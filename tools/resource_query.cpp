// resource-query: the program of that name which Fluxion has, so that its scripts run unchanged. It
// takes the options and commands of that tool and prints what it prints; all it does is 'hactor
// graph query'. Options are read as GNU getopt reads them: long names may be shortened.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <csignal>
#include <cstdio>
#include <vector>

#include <getopt.h>

#include "runtime/help_text.hpp"
#include "tools/graph_query.hpp"
#include "tools/query_options.hpp"
#include "tools/say.hpp"

namespace hactor::tools {

namespace {

constexpr int exit_bad_start = 1;

/// Long options without a letter have this and their place in the table.
constexpr int no_letter = 256;

int usage(int code) {
  std::string text =
      "usage: resource-query [OPTIONS...]\n\n"
      "Reads a resource graph, then commands from standard input: 'help' lists them.\n"
      "The same as 'hactor graph query'; 'hactor graph query --help' says more.\n\n"
      "OPTIONS:\n";
  add_options(text, query_option_specs());
  std::fputs(text.c_str(), stderr);
  return code;
}

/// The table in the form of getopt.
struct getopt_table {
  std::string letters;
  std::vector<option> names;

  getopt_table() {
    auto specs = query_option_specs();
    for (size_t i = 0; i < specs.size(); ++i) {
      auto takes = specs[i].argument != nullptr;
      if (specs[i].letter != 0)
        letters += std::string{specs[i].letter} + (takes ? ":" : "");
      auto code = specs[i].letter != 0 ? specs[i].letter : no_letter + static_cast<int>(i);
      names.push_back({specs[i].name, takes ? required_argument : no_argument, nullptr, code});
    }
    letters += 'h';
    names.push_back({"help", no_argument, nullptr, 'h'});
    names.push_back({});
  }
};

const option_spec* find(int code) {
  auto specs = query_option_specs();
  for (size_t i = 0; i < specs.size(); ++i)
    if (specs[i].letter == code || no_letter + static_cast<int>(i) == code)
      return &specs[i];
  return nullptr;
}

int run(int argc, char** argv) {
  getopt_table table;
  query_settings settings;
  for (int code;
       (code = getopt_long(argc, argv, table.letters.c_str(), table.names.data(), nullptr))
       != -1;) {
    if (code == 'h')
      return usage(exit_ok);
    auto* option = find(code);
    if (option == nullptr)
      return usage(exit_bad_start);
    if (auto e = set_query_option(settings, *option, optarg == nullptr ? "" : optarg)) {
      // As Fluxion has it, a strange count of vertices is no reason to stop.
      auto warned = option->letter == 'r';
      std::fprintf(stderr, "%s %s\n", warned ? "WARN:" : "[ERROR]", render(e).c_str());
      if (!warned)
        return usage(exit_bad_start);
    }
  }
  if (optind != argc)
    return usage(exit_bad_start);
  auto e = run_query(settings);
  flush_output();
  if (e)
    std::fprintf(stderr, "resource-query: ERROR: %s\n", render(e).c_str());
  return e ? exit_failed : exit_ok;
}

} // namespace

} // namespace hactor::tools

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN); // a reader that went away is an error of write, not our death
  return hactor::tools::run(argc, argv);
}
