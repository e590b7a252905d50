// hactor help, hactor version.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/near.hpp"
#include "tools/commands.hpp"
#include "tools/plugin_options.hpp"
#include "tools/say.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec help_options[] = {
  {0, "bash-completion", nullptr, "Prints a completion script for bash instead."},
};

int run_help(const invocation& call) {
  if (call.options.has("bash-completion")) {
    print(bash_completion());
    return exit_ok;
  }
  if (call.options.operands.empty()) {
    print(overview());
    return exit_ok;
  }
  std::string name;
  for (auto& word : call.options.operands)
    name += (name.empty() ? "" : " ") + word;
  std::vector<std::string_view> names;
  for (auto* c : mini_commands())
    if (name == "mini " + std::string{c->name})
      name = c->name;
  for (auto* c : all_commands()) {
    if (c->name == name) {
      auto extended = with_plugin_options(*c);
      if (!extended)
        return fail_usage(call, extended.error());
      print(manual(**extended));
      return exit_ok;
    }
    names.emplace_back(c->name);
  }
  complain(call, "unknown command '" + name + "'" + did_you_mean(name, names));
  return exit_usage;
}

int run_version(const invocation&) {
  print_line("hactor " HACTOR_VERSION);
  return exit_ok;
}

} // namespace

const command help_command{"help",
                           group_help,
                           "prints what commands there are, or all about one",
                           "[COMMAND [VERB]]",
                           "Without an argument it lists the commands, with one it prints the same "
                           "as COMMAND --help.",
                           help_options,
                           usual_exits,
                           " hactor help submit\n source <(hactor help --bash-completion)",
                           false,
                           0,
                           3,
                           run_help};

const command version_command{"version",
                              group_help,
                              "prints the version",
                              "",
                              "Prints the version of this program.",
                              {},
                              usual_exits,
                              " hactor version",
                              false,
                              0,
                              0,
                              run_version};

} // namespace hactor::tools
