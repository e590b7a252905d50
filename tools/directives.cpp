// See directives.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/directives.hpp"

#include <algorithm>
#include <array>

#include "tools/options.hpp"
#include "tools/session.hpp"
#include "tools/shell_words.hpp"

namespace hactor::tools {

namespace {

/// Options of sbatch that ask for nothing that is here: the job is the same without them.
constexpr std::array ignored_slurm_options{"mail-type",
                                           "mail-user",
                                           "qos",
                                           "q",
                                           "comment",
                                           "parsable",
                                           "reservation",
                                           "licenses",
                                           "L",
                                           "requeue",
                                           "no-requeue",
                                           "get-user-env",
                                           "switches",
                                           "kill-on-invalid-dep",
                                           "profile",
                                           "nice",
                                           "uid",
                                           "gid",
                                           "hint",
                                           "wckey",
                                           "cluster",
                                           "clusters",
                                           "M",
                                           "mem-per-cpu",
                                           "tmp",
                                           "ntasks-per-core",
                                           "ntasks-per-socket",
                                           "threads-per-core",
                                           "sockets-per-node",
                                           "cores-per-socket",
                                           "distribution",
                                           "m",
                                           "spread-job",
                                           "overcommit",
                                           "oversubscribe",
                                           "s",
                                           "O",
                                           "propagate",
                                           "acctg-freq",
                                           "verbose",
                                           "v",
                                           "quiet",
                                           "Q"};

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

/// What Slurm says in another way: the words that say it here. Nothing: it is as it stands.
std::optional<std::vector<std::string>> from_slurm(std::string_view word) {
  auto value = [&word](std::string_view name) -> std::optional<std::string_view> {
    if (word.starts_with(name) && word.substr(name.size()).starts_with('='))
      return word.substr(name.size() + 1);
    return std::nullopt;
  };
  if (auto mode = value("--open-mode"))
    return std::vector<std::string>{"--setopt=output.mode=" + std::string{*mode}};
  if (auto names = value("--export")) {
    if (*names == "ALL")
      return std::vector<std::string>{};
    if (*names == "NONE" || *names == "NIL")
      return std::vector<std::string>{"--env=-*"};
    std::vector<std::string> words;
    auto list = split_commas(*names);
    if (std::find(list.begin(), list.end(), "ALL") == list.end())
      words.emplace_back("--env=-*");
    for (auto& name : list)
      if (name != "ALL")
        words.push_back("--env=" + name);
    return words;
  }
  if (word.starts_with("-i") && word.size() > 2)
    return std::vector<std::string>{"--input=" + std::string{word.substr(2)}};
  return std::nullopt;
}

/// The name of an option of Slurm that has no meaning here.
bool is_ignored(std::string_view word) {
  auto is_long = word.starts_with("--");
  auto name = is_long ? word.substr(2, word.find('=') - 2) : word.substr(1, 1);
  return std::find(ignored_slurm_options.begin(), ignored_slurm_options.end(), name)
         != ignored_slurm_options.end();
}

/// Reads the words of one line of the script.
caf::error read_line(std::vector<std::string> words, size_t line, const command& of, bool slurm,
                     directives& to) {
  if (slurm) {
    std::vector<std::string> kept;
    for (size_t i = 0; i < words.size(); ++i) {
      auto& word = words[i];
      if (auto own = from_slurm(word)) {
        kept.insert(kept.end(), own->begin(), own->end());
      } else if (word == "-i" && i + 1 < words.size()) {
        kept.push_back("--input=" + words[++i]);
      } else if (word.starts_with('-') && !is_option(of.options, word) && is_ignored(word)) {
        to.warnings.push_back("line " + std::to_string(line) + ": '" + word
                              + "' has no meaning here and is left out");
        if (i + 1 < words.size() && !words[i + 1].starts_with('-'))
          ++i; // its value
      } else {
        kept.push_back(word);
      }
    }
    words = std::move(kept);
  }
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

caf::error read_block(const block& b, const command& of, bool slurm, directives& to) {
  auto words = split_words(b.text, !slurm);
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
    if (auto e = read_line(std::move(own), b.numbers[line], of, slurm, to))
      return e;
  }
  return {};
}

} // namespace

caf::expected<directives> read_directives(std::string_view script, const command& of) {
  directives result;
  auto lines = lines_of(script);
  auto own = find_directives(lines);
  if (!own)
    return std::move(own.error());
  // What is said in both ways is as hactor's say it: they come last.
  if (auto e = read_block(find_slurm_directives(lines, result.warnings), of, true, result))
    return e;
  if (auto e = read_block(*own, of, false, result))
    return e;
  return result;
}

} // namespace hactor::tools
