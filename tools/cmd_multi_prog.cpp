// hactor multi-prog: one job whose tasks run different programs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdlib>
#include <optional>

#include "runtime/idset.hpp"
#include "runtime/utf8_text.hpp"
#include "tools/become.hpp"
#include "tools/commands.hpp"
#include "tools/say.hpp"
#include "tools/shell_words.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
    {'n', "dry-run", "RANKS", "Prints what the tasks of these ranks would run, and runs nothing."},
};

struct program_line {
  std::optional<idset> ranks; // none: of all that no line before it means
  std::vector<std::string> words;

  bool means(uint32_t rank) const { return !ranks || ranks->contains(rank); }
};

caf::error bad(const std::string& file, size_t line, const std::string& what) {
  return make_error(ec::bad_argument,
                    file + ":" + std::to_string(line) + ": " + escape_controls(what));
}

/// Lines "RANKS COMMAND [ARGS...]", RANKS an idset or *; empty ones and comments are left out.
caf::expected<std::vector<program_line>> read_programs(const std::string& file) {
  auto text = read_file(file);
  if (!text)
    return std::move(text.error());
  std::vector<program_line> lines;
  std::string_view rest = *text;
  for (size_t number = 1; !rest.empty(); ++number) {
    auto end = std::min(rest.find('\n'), rest.size());
    auto words = split_words(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!words)
      return bad(file, number, context_of(words.error()));
    if (words->empty())
      continue;
    program_line p;
    if (auto& ranks = words->front().text; ranks != "*") {
      auto set = idset::parse(ranks);
      if (!set || set->empty())
        return bad(file, number, "'" + ranks + "' is neither ranks like 0-3,5 nor *");
      p.ranks = std::move(*set);
    }
    for (size_t i = 1; i < words->size(); ++i)
      p.words.push_back((*words)[i].text);
    if (p.words.empty())
      return bad(file, number, "no command stands behind the ranks");
    lines.push_back(std::move(p));
  }
  return lines;
}

/// The command of a rank, %t its rank and %o its place among those of its line; none for a rank
/// that no line means.
std::vector<std::string> command_of(const std::vector<program_line>& lines, uint32_t rank) {
  for (auto& line : lines) {
    if (!line.means(rank))
      continue;
    uint64_t place = rank;
    if (line.ranks) {
      place = 0;
      for (auto r : line.ranks->expand())
        place += r < rank;
    }
    auto words = line.words;
    for (auto& word : words) {
      std::string filled;
      for (size_t i = 0; i < word.size(); ++i) {
        auto next = word[i] == '%' && i + 1 < word.size() ? word[i + 1] : '\0';
        if (next == 't')
          filled += std::to_string(rank);
        else if (next == 'o')
          filled += std::to_string(place);
        else if (next == '%')
          filled += '%';
        else
          filled += word[i];
        i += next == 't' || next == 'o' || next == '%';
      }
      word = std::move(filled);
    }
    return words;
  }
  return {};
}

caf::error nothing_for(const std::string& file, uint32_t rank) {
  return make_error(ec::bad_argument, file + ": no line means rank " + std::to_string(rank));
}

int run_multi_prog(const invocation& call) {
  auto& file = call.options.operands.front();
  auto lines = read_programs(file);
  if (!lines)
    return fail_usage(call, lines.error());
  if (call.options.has("dry-run")) {
    auto ranks = idset::parse(call.options.value("dry-run"));
    if (!ranks)
      return fail_usage(call, ranks.error());
    for (auto rank : ranks->expand()) {
      auto words = command_of(*lines, rank);
      if (words.empty())
        return fail_usage(call, nothing_for(file, rank));
      auto text = std::to_string(rank) + ":";
      for (auto& word : words)
        text += " " + word;
      print_line(text);
    }
    return exit_ok;
  }
  auto* own = std::getenv("HACTOR_TASK_RANK");
  if (own == nullptr)
    return fail_usage(call, make_error(ec::bad_argument, "is a job's command: 'hactor run -n 4 "
                                                         "hactor multi-prog FILE'"));
  auto rank = static_cast<uint32_t>(std::strtoul(own, nullptr, 10));
  auto words = command_of(*lines, rank);
  if (words.empty())
    return fail_usage(call, nothing_for(file, rank));
  return become(call, std::move(words));
}

} // namespace

const command multi_prog_command{
    "multi-prog",
    group_submit,
    "runs another program in each task of a job",
    "[OPTIONS] FILE",
    "The command of a job of several tasks: each becomes the program that FILE names for it. A "
    "line has ranks (0-3,5; * for all that no line before it means), then a command and its "
    "arguments, quoted as in a shell; # begins a comment. %t in them stands for the task's rank, "
    "%o for its place among the ranks of its line, %% for a percent sign. To the job these are one "
    "program, with one MPI_COMM_WORLD, which -O worlds=each does not divide: programs with worlds "
    "of their own are entries of the tasks of a jobspec (hactor job submit).",
    options,
    " n  the exit code of the program\n 2  the file is wrong, or means no program for this task",
    " hactor run -n 5 hactor multi-prog roles.txt, with roles.txt:\n"
    "     0    ./coordinator --workers 4\n     1-4  ./worker --number %o",
    false,
    1,
    1,
    run_multi_prog};

} // namespace hactor::tools
