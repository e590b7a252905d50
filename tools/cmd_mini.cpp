// hactor mini: the older spelling of the commands that submit. Its verbs are these commands
// themselves (hactor.cpp finds them), so that the jobspecs are the same.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/commands.hpp"
#include "tools/say.hpp"

namespace hactor::tools {

namespace {

int run_mini(const invocation& call) {
  std::string verbs;
  for (auto* c : mini_commands())
    verbs += (verbs.empty()                 ? ""
              : c == mini_commands().back() ? " or "
                                            : ", ")
             + std::string{c->name};
  complain(call, "needs a verb: " + verbs);
  return exit_usage;
}

} // namespace

std::span<const command* const> mini_commands() {
  static constexpr const command* verbs[] = {&submit_command, &run_command, &bulksubmit_command,
                                             &batch_command, &alloc_command};
  return verbs;
}

const command mini_command{
    "mini",
    group_submit,
    "older spelling of submit, run, bulksubmit, batch and alloc",
    "VERB [OPTIONS] ...",
    "'hactor mini submit' is 'hactor submit', with its options and operands, "
    "and so are the others. Scripts may use either.",
    {},
    usual_exits,
    " hactor mini run -n 2 hostname",
    false,
    0,
    0,
    run_mini};

} // namespace hactor::tools
