// The manual pages, the overview and the shell completion, all made from the table of commands.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include "runtime/help_text.hpp"
#include "tools/commands.hpp"
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

/// A line for each, the summaries below each other.
void add_summaries(std::string& out, const std::vector<const command*>& commands) {
  size_t width = 18;
  for (auto* c : commands)
    width = std::max(width, std::string_view{c->name}.size() + 2);
  for (auto* c : commands) {
    std::string name = c->name;
    name.resize(width, ' ');
    out += "    " + name + c->summary + "\n";
  }
}

/// What options of the commands that submit are about, by the first of each kind.
struct heading {
  std::string_view first;
  const char* text;
};

constexpr heading headings[] = {
    {"ntasks", "What it needs:"},
    {"time-limit", "How long, and by whom:"},
    {"output", "Its input and output:"},
    {"cwd", "Its surroundings:"},
    {"urgency", "When, and where:"},
    {"setattr", "How it is run:"},
    {"retries", "When it fails:"},
    {"add-file", "What else goes with it:"},
    {"dry-run", "This command:"},
    {"cc", "Many jobs:"},
    {"define", "Inputs:"},
    {"conf", "The instance that it holds:"},
    {"wrap", "The script:"},
    {"bg", "How long this command stays:"},
};

bool has_headings(const command& of) {
  return of.group == std::string_view{group_submit} && !of.options.empty()
         && of.options.front().name == headings[0].first;
}

/// The row behind "--NAME-text", which stands for --NAME=VALUE of a flag (options.cpp).
const option_spec* text_row(const command& of, const option_spec& flag) {
  for (auto& o : of.options)
    if (o.name == std::string{flag.name} + "-text")
      return &o;
  return nullptr;
}

void add_own_options(std::string& out, const command& of) {
  auto with_headings = has_headings(of);
  for (auto& o : of.options) {
    if (std::string_view{o.name}.ends_with("-text"))
      continue;
    auto* at = std::find_if(std::begin(headings), std::end(headings),
                            [&](auto& h) { return o.name == h.first; });
    if (with_headings && at != std::end(headings))
      out += (&o == &of.options.front() ? "  " : "\n  ") + std::string{at->text} + "\n";
    auto* text = text_row(of, o);
    add_option(out, o, text == nullptr ? spelling(o) : spelling(o) + "[=" + text->argument + "]");
  }
  if (with_headings)
    out += '\n';
  add_option(out, help_option, spelling(help_option));
}

/// The noun of a verb, else the commands of the same group.
void add_neighbours(std::string& out, const command& of) {
  std::string_view name = of.name;
  std::string text;
  if (auto noun = name.substr(0, name.find(' ')); noun != name)
    text = "hactor " + std::string{noun};
  else
    for (auto* c : all_commands())
      if (name != c->name && of.group == std::string_view{c->group}
          && std::string_view{c->name}.find(' ') == std::string_view::npos)
        text += (text.empty() ? "hactor " : ", hactor ") + std::string{c->name};
  out += "\nSEE ALSO\n";
  add_text(out, text + (text.empty() ? "" : ", ") + "hactor help", 4);
}

/// Those of groups that are about an instance, and what is submitted to one.
bool speaks_with_an_instance(const command& of) {
  std::string_view group = of.group, name = of.name;
  return group != group_graph && group != group_help && name != "start" && name != "relay"
         && name != "ps" && name != "job id";
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
    add_summaries(out, verbs);
  }
  out += "\nOPTIONS\n";
  add_own_options(out, of);
  out += "\nEXIT STATUS\n";
  add_text(out, of.exits, 4);
  out += "\nEXAMPLE\n";
  add_text(out, of.example, 4);
  if (speaks_with_an_instance(of)) {
    out += "\nENVIRONMENT\n";
    add_text(out,
             "HACTOR_URI names the instance that is meant: a URI, or what 'hactor ps' shows. "
             "'hactor --instance NAME ..' is said in its place.",
             4);
  }
  add_neighbours(out, of);
  return out;
}

std::string overview() {
  std::string out =
      "usage: hactor [--instance INSTANCE] COMMAND [OPTIONS] [OPERANDS]\n\n"
      "'hactor help COMMAND' or 'hactor COMMAND --help' explains a command. INSTANCE is a URI or\n"
      "what 'hactor ps' shows, in place of HACTOR_URI. 'hactor help help' has the exit codes.\n";
  std::string_view group;
  for (auto* c : all_commands()) {
    if (std::string_view{c->name}.find(' ') != std::string_view::npos)
      continue;
    if (group != c->group)
      out += "\n" + std::string{group = c->group} + "\n";
    add_summaries(out, {c});
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
