// See command_line.hpp. CLI11 throws; nothing of that leaves this file.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/command_line.hpp"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "runtime/near.hpp"

namespace hactor {

namespace {

/// To CLI11 "--name=" is a name whose value follows. This stands for the empty value on its way
/// through CLI11.
constexpr std::string_view empty_value = "\x1f(empty)";

caf::error refuse(std::string what) { return make_error(ec::bad_argument, std::move(what)); }

class reader {
public:
  explicit reader(std::span<const option_spec> table) {
    app_.set_help_flag();
    app_.prefix_command();
    for (auto& spec : table)
      declare(spec);
    declare(help_option);
  }

  caf::expected<command_line> read(std::span<const char* const> words) {
    std::vector<std::string> reversed;
    for (std::string_view word : words)
      reversed.push_back(shield(word));
    std::ranges::reverse(reversed);
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::ParseError& e) {
      return wrong_value(words.back(), e.what());
    }
    auto line = result();
    if (line)
      for (auto& [spec, value] : line->values)
        if (auto at = place_of_mistake(value, words); at != words.end())
          return swallows_option(*spec, at[-1], value);
    return line;
  }

  const option_spec* find(std::string_view word) {
    auto is_long = word.starts_with("--");
    auto* o = app_.get_option_no_throw(
        std::string{is_long ? word.substr(0, word.find('=')) : word.substr(0, 2)});
    return o != nullptr ? specs_.at(o) : nullptr;
  }

private:
  static std::string names_of(const option_spec& spec) {
    std::string names = std::string{"--"} + spec.name;
    if (spec.letter != 0)
      names += std::string{",-"} + spec.letter;
    if (spec.aliases != nullptr)
      names += std::string{","} + spec.aliases;
    std::ranges::replace(names, ' ', ',');
    return names;
  }

  void declare(const option_spec& spec) {
    auto* o = spec.argument != nullptr ? app_.add_option(names_of(spec))
                                       : app_.add_flag(names_of(spec))->disable_flag_override();
    o->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    specs_[o] = &spec;
  }

  static std::string shield(std::string_view word) {
    auto is_empty = word.starts_with("--") && word.find('=') == word.size() - 1;
    return std::string{word} + std::string{is_empty ? empty_value : ""};
  }

  static std::string unshield(std::string word) {
    if (word.ends_with(empty_value))
      word.resize(word.size() - empty_value.size());
    return word;
  }

  /// CLI11 refuses a value of a flag, and an option whose value is missing: the last word then.
  caf::error wrong_value(std::string_view last, std::string_view said) {
    if (auto end = said.find(" was given"); end != said.npos)
      return refuse("option '--" + std::string{said.substr(0, end)} + "' takes no value");
    std::string word{last};
    if (!last.starts_with("--")) // the last of some letters
      word = std::string{'-', last.back()};
    auto* spec = find(word);
    HACTOR_CHECK(spec != nullptr && spec->argument != nullptr);
    return refuse("option '" + word + "' needs a value (" + spec->argument + ")");
  }

  /// Where a value stands that is a word of its own and a long option: nearly always one whose
  /// value was forgotten. "--name=--other" says that it is meant.
  std::span<const char* const>::iterator place_of_mistake(std::string_view value,
                                                          std::span<const char* const> words) {
    auto is_option = value.size() > 2 && value.starts_with("--") && find(value) != nullptr;
    auto at = is_option ? std::ranges::find(words, value) : words.end();
    return at == words.begin() ? words.end() : at;
  }

  /// Names the flag that may have been meant: -q is --queue, and --quiet has no letter.
  caf::error swallows_option(const option_spec& spec, std::string_view word,
                             std::string_view value) {
    auto text = fmt::format("option '{}' needs a value ({}), and '{}' is an option", word,
                            spec.argument, value);
    if (word.starts_with("--"))
      return refuse(std::move(text));
    text += fmt::format("; {} is --{}", word, spec.name);
    for (auto& [option, other] : specs_)
      if (other->letter == 0 && other->argument == nullptr && other->name[0] == word.back())
        text += fmt::format(", --{} has no letter", other->name);
    return refuse(std::move(text));
  }

  caf::error unknown_option(std::string_view word) {
    auto name = word.substr(0, word.find('='));
    auto text = "unknown option '" + std::string{name} + "'";
    if (!name.starts_with("--") || name.size() == 2)
      return refuse(text);
    std::vector<std::string> names;
    for (auto* o : app_.get_options())
      names.push_back(o->get_name());
    return refuse(text + did_you_mean(name, {names.begin(), names.end()}));
  }

  caf::expected<command_line> result() {
    command_line line;
    std::map<const CLI::Option*, size_t> seen;
    for (auto* o : app_.parse_order()) {
      auto* spec = specs_.at(o);
      auto& value = o->results()[seen[o]++];
      if (spec == &help_option)
        line.help = true;
      else
        line.values.emplace_back(spec, spec->argument != nullptr ? unshield(value) : "");
    }
    // What CLI11 did not know, an option among it, and then all from the first operand on.
    for (auto& word : app_.remaining())
      line.operands.push_back(unshield(word));
    if (line.operands.empty())
      return line;
    auto& first = line.operands.front();
    if (first == "--") {
      line.after_separator = true;
      line.operands.erase(line.operands.begin());
    } else if (first.size() > 1 && first.starts_with('-')) {
      return unknown_option(first);
    }
    return line;
  }

  CLI::App app_;
  std::map<const CLI::Option*, const option_spec*> specs_;
};

} // namespace

caf::expected<command_line> parse_command_line(std::span<const option_spec> table,
                                               std::span<const char* const> words) {
  return reader{table}.read(words);
}

bool is_option(std::span<const option_spec> table, std::string_view word) {
  return word.size() > 1 && word[0] == '-' && reader{table}.find(word) != nullptr;
}

} // namespace hactor
