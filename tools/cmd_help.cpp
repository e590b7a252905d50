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
                           "[--bash-completion] [COMMAND [VERB]]",
                           "Without an argument it lists the commands, with one it prints the same "
                           "as COMMAND --help.\n\n"
                           "All commands tell mistakes apart in the same way, by the exit codes "
                           "below; those that wait for jobs exit with the jobs' own, too, and each "
                           "page says what else there is.",
                           help_options,
                           " 0  done\n"
                           " 1  it was understood and cannot be done: there is no such file, user, "
                           "queue, job\n"
                           "    or instance, or the instance refuses; the reason is on standard "
                           "error\n"
                           " 2  it was not understood: an unknown command or option, an operand "
                           "too few or too\n"
                           "    many, a value or an id that has no meaning, also in a script's "
                           "directives",
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
