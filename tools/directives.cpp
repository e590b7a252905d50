// See directives.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/directives.hpp"

#include <algorithm>
#include <functional>

#include "tools/options.hpp"
#include "tools/script_words.hpp"
#include "tools/shell_words.hpp"

namespace hactor::tools {

namespace {

caf::error at_line(size_t line, const std::string& text) {
  return make_error(ec::bad_argument, "line " + std::to_string(line) + ": " + text);
}

/// "option '--x' ..." without the name of the error's code.
std::string text_of(const caf::error& e) { return context_of(e); }

struct script_line {
  size_t number = 0; // from 1
  std::string_view text;
};

std::vector<script_line> lines_of(std::string_view script) {
  std::vector<script_line> lines;
  for (size_t start = 0; start < script.size();) {
    auto end = std::min(script.find('\n', start), script.size());
    auto text = script.substr(start, end - start);
    if (text.ends_with('\r'))
      text.remove_suffix(1);
    lines.push_back({lines.size() + 1, text});
    start = end + 1;
  }
  return lines;
}

bool is_word_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'
         || static_cast<unsigned char>(c) >= 0x80;
}

struct sentinel {
  std::string_view prefix; // "# "
  std::string_view whole;  // "# hactor:"
};

/// The sentinel with which a line begins; empty when it is no directive.
sentinel sentinel_of(std::string_view line) {
  auto tag = std::find_if(line.begin(), line.end(), is_word_character) - line.begin();
  auto prefix = line.substr(0, static_cast<size_t>(tag));
  auto rest = line.substr(prefix.size());
  for (std::string_view name : {"hactor:", "HACTOR:", "flux:", "FLUX:"})
    if (rest.starts_with(name))
      return {prefix, line.substr(0, prefix.size() + name.size())};
  constexpr std::string_view bare = "#HACTOR"; // as #SBATCH is written
  if (line.starts_with(bare)
      && (line.size() == bare.size() || line[bare.size()] == ' ' || line[bare.size()] == '\t'))
    return {line.substr(0, 1), line.substr(0, bare.size())};
  return {};
}

bool is_empty(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

/// How lines between directives begin: a comment may be empty but for its mark.
std::string_view mark_of(const sentinel& s) {
  auto end = s.prefix.find_last_not_of(" \t");
  return end == s.prefix.npos ? s.prefix : s.prefix.substr(0, end + 1);
}

/// Text of directives, of which line i stands in line numbers[i] of the script.
struct block {
  std::string text;
  std::vector<size_t> numbers;
  bool flux = false; // in the words of flux batch

  void add(const script_line& line, size_t skip) {
    text.append(line.text.substr(skip)).append(1, '\n');
    numbers.push_back(line.number);
  }
};

caf::expected<block> find_directives(const std::vector<script_line>& lines) {
  block found;
  sentinel first;
  bool over = false;
  for (auto& line : lines) {
    auto s = sentinel_of(line.text);
    if (first.whole.empty()) {
      first = s;
    } else if (!over && !is_empty(line.text) && !line.text.starts_with(mark_of(first))) {
      over = true;
    }
    if (s.whole.empty())
      continue;
    if (over)
      return at_line(line.number, "the directive '" + std::string{line.text}
                                      + "' comes too late: directives end at the first line that "
                                        "does not begin with '"
                                      + std::string{mark_of(first)} + "'");
    if (s.whole != first.whole)
      return at_line(line.number, "the directives of a script begin alike: here with '"
                                      + std::string{first.whole} + "', not with '"
                                      + std::string{s.whole} + "'");
    found.add(line, s.whole.size());
  }
  found.flux = first.whole.ends_with("flux:") || first.whole.ends_with("FLUX:");
  return found;
}

/// Slurm's: those after the first command are not read by it either.
block find_slurm_directives(const std::vector<script_line>& lines,
                            std::vector<std::string>& warnings) {
  constexpr std::string_view tag = "#SBATCH";
  block found;
  bool over = false;
  for (auto& line : lines) {
    if (!line.text.starts_with(tag)) {
      over = over || (!is_empty(line.text) && !line.text.starts_with('#'));
      continue;
    }
    if (over)
      warnings.push_back("line " + std::to_string(line.number)
                         + ": '#SBATCH' after the first command is not read");
    else
      found.add(line, tag.size());
  }
  return found;
}

/// Reads the words of one line of the script, which are ours.
caf::error read_line(std::vector<std::string> words, size_t line, const command& of,
                     directives& to) {
  std::vector<const char*> pointers;
  for (auto& word : words)
    pointers.push_back(word.c_str());
  words = with_text_rows(of, pointers);
  for (size_t i = 0; i < words.size(); ++i)
    pointers[i] = words[i].c_str();
  auto read = parse_command_line(of.options, pointers);
  if (!read)
    return at_line(line, text_of(read.error()));
  if (read->help)
    return at_line(line, "--help stands on a command line");
  if (!read->operands.empty())
    return at_line(line, "'" + read->operands.front() + "' is no option");
  to.values.insert(to.values.end(), read->values.begin(), read->values.end());
  return {};
}

/// The same of what was said in Slurm's words.
caf::error read_own(own_words own, size_t line, const command& of, directives& to) {
  for (auto& word : own.ignored)
    to.warnings.push_back("line " + std::to_string(line) + ": '" + word
                          + "' has no meaning here and is left out");
  return read_line(std::move(own.words), line, of, to);
}

/// Calls `use` with the words of each line of the block and the line's number in the script.
caf::error for_each_line(const block& b, bool comments,
                         const std::function<caf::error(std::vector<std::string>, size_t)>& use) {
  auto words = split_words(b.text, comments);
  if (!words) { // "line N: ..." of the block
    auto text = text_of(words.error());
    auto number = std::strtoul(text.c_str() + 5, nullptr, 10);
    auto known = std::clamp<size_t>(number, 1, b.numbers.size());
    return at_line(b.numbers[known - 1], text.substr(text.find(": ") + 2));
  }
  for (size_t i = 0; i < words->size();) {
    auto line = (*words)[i].line;
    std::vector<std::string> own;
    for (; i < words->size() && (*words)[i].line == line; ++i)
      own.push_back((*words)[i].text);
    if (auto e = use(std::move(own), b.numbers[line]))
      return e;
  }
  return {};
}

caf::error read_block(const block& b, const command& of, directives& to) {
  return for_each_line(b, true, [&](std::vector<std::string> words, size_t line) {
    return read_line(b.flux ? from_flux(std::move(words)) : std::move(words), line, of, to);
  });
}

caf::error read_slurm_block(const block& b, const command& of, directives& to) {
  slurm_words slurm;
  size_t last = 0;
  auto e = for_each_line(b, false, [&](const std::vector<std::string>& words, size_t line) {
    last = line;
    auto own = slurm.line(words);
    return own ? read_own(std::move(*own), line, of, to)
               : at_line(line, text_of(own.error()));
  });
  return e ? e : read_own(slurm.finish(), last, of, to);
}

} // namespace

caf::expected<directives> read_directives(std::string_view script, const command& of) {
  directives result;
  auto lines = lines_of(script);
  auto own = find_directives(lines);
  if (!own)
    return std::move(own.error());
  // What is said in both ways is as hactor's say it: they come last.
  if (auto e = read_slurm_block(find_slurm_directives(lines, result.warnings), of, result))
    return e;
  if (auto e = read_block(*own, of, result))
    return e;
  return result;
}

} // namespace hactor::tools
