// See help_text.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/help_text.hpp"

#include <algorithm>

namespace hactor {

namespace {

constexpr size_t columns = 80;

} // namespace

void add_option(std::string& out, const option_spec& o, std::string_view text) {
  out.append("    ").append(text);
  if (o.aliases)
    out += std::string{"   (also "} + o.aliases + ")";
  out += '\n';
  add_text(out, o.meaning, 10);
}

void add_text(std::string& out, std::string_view text, size_t indent) {
  std::string pad(indent, ' ');
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == ' ') {
      out += line.empty() ? "" : pad + std::string{line};
      out += '\n';
      continue;
    }
    std::string row = pad;
    while (!line.empty()) {
      auto stop = std::min(line.find(' '), line.size());
      if (row.size() > indent && row.size() + 1 + stop > columns) {
        out += row + "\n";
        row = pad;
      }
      row += row.size() > indent ? " " : "";
      row += line.substr(0, stop);
      line.remove_prefix(std::min(stop + 1, line.size()));
    }
    out += row + "\n";
  }
}

void add_options(std::string& out, std::span<const option_spec> table) {
  for (auto& o : table)
    add_option(out, o, spelling(o));
  add_option(out, help_option, spelling(help_option));
}

std::string spelling(const option_spec& option) {
  std::string text;
  if (option.letter)
    text = std::string{'-', option.letter} + ", ";
  text += std::string{"--"} + option.name;
  if (option.argument)
    text += std::string{"="} + option.argument;
  return text;
}

} // namespace hactor
