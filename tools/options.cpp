// Reading command lines by POSIX rules; see command.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/command.hpp"

#include <charconv>
#include <cstring>

#include "runtime/near.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec help_option{'h', "help", nullptr, "Prints this page."};

// True if `word` ("-p" or "--partition") is among the blank separated aliases.
bool among(const char* aliases, std::string_view word) {
  if (!aliases)
    return false;
  std::string_view rest = aliases;
  while (!rest.empty()) {
    auto end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == word)
      return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

const option_spec* find_long(const command& of, std::string_view name) {
  if (name == help_option.name)
    return &help_option;
  for (auto& o : of.options)
    if (name == o.name || among(o.aliases, "--" + std::string{name}))
      return &o;
  return nullptr;
}

const option_spec* find_letter(const command& of, char letter) {
  for (auto& o : of.options)
    if (o.letter == letter || among(o.aliases, std::string{'-', letter}))
      return &o;
  return letter == help_option.letter ? &help_option : nullptr;
}

const option_spec& known(const command& of, std::string_view name) {
  auto* found = find_long(of, name);
  HACTOR_CHECK(found != nullptr); // A command asks for an option that its own table lacks.
  return *found;
}

caf::error unknown_option(const command& of, std::string_view word) {
  std::vector<std::string> names;
  for (auto& o : of.options)
    names.push_back(std::string{"--"} + o.name);
  names.push_back("--help");
  std::string text = "unknown option '" + std::string{word} + "'";
  if (word.size() > 2 && word[1] == '-')
    text += did_you_mean(word, {names.begin(), names.end()});
  return make_error(ec::bad_argument, text);
}

// One pass over the words; `next` is the word that an option's value would be taken from.
class reader {
public:
  reader(const command& of, std::span<const char* const> words) : words_(words) {
    result_.of = &of;
  }

  caf::expected<parsed_options> run() {
    while (next_ < words_.size()) {
      std::string_view word = words_[next_];
      if (word == "--") {
        ++next_;
        result_.after_separator = true;
        break;
      }
      if (word.size() < 2 || word[0] != '-')
        break;
      ++next_;
      if (auto e = word[1] == '-' ? read_long(word) : read_letters(word))
        return e;
    }
    for (; next_ < words_.size(); ++next_)
      result_.operands.emplace_back(words_[next_]);
    if (auto e = result_.help ? caf::error{} : check_operands())
      return e;
    return std::move(result_);
  }

private:
  void add(const option_spec& o, std::string value) {
    if (&o == &help_option)
      result_.help = true;
    else
      result_.values.emplace_back(&o, std::move(value));
  }

  caf::error missing_value(std::string_view word, const option_spec& o) {
    return make_error(ec::bad_argument, "option '" + std::string{word} + "' needs a value ("
                                          + o.argument + ")");
  }

  caf::error read_long(std::string_view word) {
    auto equals = word.find('=');
    auto* o = find_long(*result_.of, word.substr(2, equals - 2));
    if (!o)
      return unknown_option(*result_.of, word.substr(0, equals));
    if (!o->argument && equals != word.npos)
      return make_error(ec::bad_argument, "option '" + std::string{word.substr(0, equals)}
                                            + "' takes no value");
    if (!o->argument) {
      add(*o, "");
    } else if (equals != word.npos) {
      add(*o, std::string{word.substr(equals + 1)});
    } else {
      if (next_ == words_.size())
        return missing_value(word, *o);
      add(*o, words_[next_++]);
    }
    return {};
  }

  caf::error read_letters(std::string_view word) {
    for (size_t i = 1; i < word.size(); ++i) {
      auto* o = find_letter(*result_.of, word[i]);
      if (!o)
        return unknown_option(*result_.of, std::string{'-', word[i]});
      if (!o->argument) {
        add(*o, "");
        continue;
      }
      if (i + 1 < word.size()) {
        add(*o, std::string{word.substr(i + 1)});
      } else {
        if (next_ == words_.size())
          return missing_value(word, *o);
        add(*o, words_[next_++]);
      }
      break;
    }
    return {};
  }

  bool is_option(std::string_view word) const {
    if (word.size() < 2 || word[0] != '-')
      return false;
    return word[1] == '-' ? find_long(*result_.of, word.substr(2, word.find('=') - 2)) != nullptr
                          : find_letter(*result_.of, word[1]) != nullptr;
  }

  caf::error check_operands() {
    auto& of = *result_.of;
    auto& operands = result_.operands;
    for (size_t i = 1; i < operands.size() && !of.command_follows && !result_.after_separator;
         ++i) {
      if (operands[i] == "--")
        break;
      if (is_option(operands[i]))
        return make_error(ec::bad_argument, "option '" + operands[i] + "' comes too late: options"
                                              + " stand before the operands");
    }
    if (operands.size() < of.operands_min)
      return make_error(ec::bad_argument, std::string{"an operand is missing; usage: hactor "}
                                            + of.name + " " + of.synopsis);
    if (operands.size() > of.operands_max)
      return make_error(ec::bad_argument, "operand '" + operands[of.operands_max]
                                            + "' is one too many; usage: hactor " + of.name + " "
                                            + of.synopsis);
    return {};
  }

  std::span<const char* const> words_;
  size_t next_ = 0;
  parsed_options result_;
};

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

caf::expected<parsed_options> parse_options(const command& of,
                                            std::span<const char* const> words) {
  return reader{of, words}.run();
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

} // namespace hactor::tools
