// What a command's own rules add to runtime/command_line.hpp; see command.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/options.hpp"

#include <charconv>
#include <cstring>

namespace hactor::tools {

namespace {

const option_spec& known(const command& of, std::string_view name) {
  for (auto& o : of.options)
    if (name == o.name)
      return o;
  HACTOR_CHECK(false); // A command asks for an option that its own table lacks.
}

caf::error check_operands(const parsed_options& o) {
  auto& of = *o.of;
  auto usage = [&of] { return std::string{"; usage: hactor "} + of.name + " " + of.synopsis; };
  for (size_t i = 1; i < o.operands.size() && !of.command_follows && !o.after_separator; ++i) {
    if (o.operands[i] == "--")
      break;
    if (is_option(of.options, o.operands[i]))
      return make_error(ec::bad_argument, "option '" + o.operands[i] + "' comes too late: options"
                                              + " stand before the operands");
  }
  if (o.operands.size() < of.operands_min)
    return make_error(ec::bad_argument, "an operand is missing" + usage());
  if (o.operands.size() > of.operands_max)
    return make_error(ec::bad_argument,
                      "operand '" + o.operands[of.operands_max] + "' is one too many" + usage());
  return {};
}

} // namespace

size_t parsed_options::count(std::string_view name) const {
  auto& o = known(*of, name);
  size_t n = 0;
  for (auto& [option, value] : values)
    n += option == &o;
  return n;
}

std::string parsed_options::value(std::string_view name, std::string_view otherwise) const {
  auto& o = known(*of, name);
  for (auto i = values.rbegin(); i != values.rend(); ++i)
    if (i->first == &o)
      return i->second;
  return std::string{otherwise};
}

std::vector<std::string> parsed_options::all(std::string_view name) const {
  auto& o = known(*of, name);
  std::vector<std::string> found;
  for (auto& [option, value] : values)
    if (option == &o)
      found.push_back(value);
  return found;
}

caf::expected<uint64_t> parsed_options::number(std::string_view name, uint64_t otherwise,
                                               uint64_t min, uint64_t max) const {
  if (!has(name))
    return otherwise;
  auto text = value(name);
  uint64_t n = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size() || n < min || n > max)
    return make_error(ec::bad_argument, "--" + std::string{name} + ": '" + text
                                            + "' is not a whole number from " + std::to_string(min)
                                            + " to " + std::to_string(max));
  return n;
}

std::vector<std::string> with_text_rows(const command& of, std::span<const char* const> words) {
  std::vector<std::string> result{words.begin(), words.end()};
  for (auto& row : of.options) {
    std::string_view name = row.name;
    if (!name.ends_with("-text"))
      continue;
    auto flag = "--" + std::string{name.substr(0, name.size() - 5)} + "=";
    for (auto& word : result)
      if (word == "--")
        break;
      else if (word.starts_with(flag))
        word = "--" + std::string{name} + word.substr(flag.size() - 1);
  }
  return result;
}

caf::expected<parsed_options> parse_options(const command& of, std::span<const char* const> words) {
  auto own = with_text_rows(of, words);
  std::vector<const char*> pointers;
  for (auto& word : own)
    pointers.push_back(word.c_str());
  auto line = parse_command_line(of.options, pointers);
  if (!line)
    return std::move(line.error());
  parsed_options result{std::move(*line), &of};
  if (result.help)
    return result;
  if (auto failed = check_operands(result))
    return failed;
  return result;
}

} // namespace hactor::tools
