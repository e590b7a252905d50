// The manual pages, the overview and the shell completion, all made from the table of commands.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/help_text.hpp"
#include "tools/command.hpp"
#include "tools/plugin_options.hpp"

namespace hactor::tools {

namespace {

// Commands of which `of` is the noun: "job" has "job attach". Those of a verb are its own.
std::vector<const command*> verbs_of(const command& of) {
  if (std::string_view{of.name} == "mini")
    return {mini_commands().begin(), mini_commands().end()};
  std::vector<const command*> verbs;
  std::string prefix = std::string{of.name} + " ";
  for (auto* c : all_commands()) {
    std::string_view name = c->name;
    if (name.starts_with(prefix) && name.find(' ', prefix.size()) == name.npos)
      verbs.push_back(c);
  }
  return verbs;
}

void add_summary(std::string& out, const command& c) {
  std::string name = c.name;
  name.resize(std::max<size_t>(name.size() + 1, 18), ' ');
  out += "    " + name + c.summary + "\n";
}

} // namespace

std::string manual(const command& of) {
  std::string name = std::string{"hactor "} + of.name;
  std::string out = "NAME\n    " + name + " - " + of.summary + "\n\nSYNOPSIS\n";
  add_text(out, name + " " + of.synopsis, 4);
  out += "\nDESCRIPTION\n";
  add_text(out, of.description, 4);
  if (auto verbs = verbs_of(of); !verbs.empty()) {
    out += "\nCOMMANDS\n";
    for (auto* verb : verbs)
      add_summary(out, *verb);
  }
  out += "\nOPTIONS\n";
  add_options(out, of.options);
  out += "\nEXIT STATUS\n";
  add_text(out, of.exits, 4);
  out += "\nEXAMPLE\n";
  add_text(out, of.example, 4);
  return out;
}

std::string overview() {
  std::string out =
      "usage: hactor [--instance INSTANCE] COMMAND [OPTIONS] [OPERANDS]\n\n"
      "'hactor help COMMAND' or 'hactor COMMAND --help' explains a command. INSTANCE is a URI or\n"
      "what 'hactor ps' shows, in place of HACTOR_URI.\n";
  std::string_view group;
  for (auto* c : all_commands()) {
    if (std::string_view{c->name}.find(' ') != std::string_view::npos)
      continue;
    if (group != c->group)
      out += "\n" + std::string{group = c->group} + "\n";
    add_summary(out, *c);
  }
  return out;
}

std::string bash_completion() {
  std::string out =
      "# bash completion of hactor, made by 'hactor help --bash-completion'\n"
      "_hactor() {\n"
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" command=\"${COMP_WORDS[1]}\" words=\n"
      "  case \"$command ${COMP_WORDS[2]}\" in\n";
  std::string nouns;
  std::string top;
  for (auto* c : all_commands()) {
    std::string_view name = c->name;
    std::string words;
    auto extended = with_plugin_options(*c);
    for (auto& o : (extended ? *extended : c)->options)
      words += std::string{"--"} + o.name + (o.argument ? "= " : " ");
    words += "--help";
    std::string verbs;
    for (auto* verb : verbs_of(*c)) {
      std::string_view known = verb->name;
      verbs += " " + std::string{known.substr(known.rfind(' ') + 1)};
    }
    bool is_verb = name.find(' ') != name.npos;
    // Rows of verbs must come before the row of their noun, which matches everything.
    for (auto* mini : mini_commands())
      if (mini == c)
        out += "    \"mini " + std::string{name} + "\") words=\"" + words + "\" ;;\n";
    (is_verb ? out : nouns) += "    \"" + std::string{name} + "\"" + (is_verb ? "" : "\\ *")
                               + ") words=\"" + words + verbs + "\" ;;\n";
    if (!is_verb)
      top += (top.empty() ? "" : " ") + std::string{name};
  }
  return out + nouns + "  esac\n  [ \"$COMP_CWORD\" -eq 1 ] && words=\"" + top
         + "\"\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n}\n"
           "complete -o default -F _hactor hactor\n";
}

} // namespace hactor::tools
