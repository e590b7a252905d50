// See shell_words.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/shell_words.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace hactor::tools {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// What stands between triple quotes that end their line: less the first line end, and less the
/// indentation that all lines share. Lines of blanks alone become empty and count for nothing.
std::string dedent(std::string_view text) {
  if (!text.starts_with('\n'))
    return std::string{text};
  text.remove_prefix(1);
  std::vector<std::string_view> lines;
  for (size_t start = 0; start <= text.size();) {
    auto end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  auto indent = std::string_view::npos;
  for (auto& line : lines)
    if (auto first = line.find_first_not_of(" \t"); first != line.npos)
      indent = std::min(indent, first);
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find_first_not_of(" \t") != std::string_view::npos)
      out += lines[i].substr(indent);
    if (i + 1 < lines.size())
      out += '\n';
  }
  return out;
}

class splitter {
public:
  splitter(std::string_view text, bool triple) : text_(text), triple_(triple) {}

  caf::expected<std::vector<shell_word>> run() {
    std::vector<shell_word> words;
    while (skip()) {
      shell_word word{"", line_};
      while (at_ < text_.size() && !is_blank(text_[at_]))
        if (auto e = take(word.text))
          return e;
      words.push_back(std::move(word));
    }
    return words;
  }

private:
  /// Goes to the next word. False: there is none.
  bool skip() {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\' && text_.substr(at_ + 1).starts_with('\n')) {
        ++at_;
        ++line_;
      } else if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
      } else if (!is_blank(text_[at_])) {
        return true;
      } else if (text_[at_] == '\n') {
        ++line_;
      }
    }
    return false;
  }

  /// Takes one character or one quoted part of a word.
  caf::error take(std::string& word) {
    auto c = text_[at_];
    if (triple_)
      for (std::string_view quotes : {"\"\"\"", "'''"})
        if (text_.substr(at_).starts_with(quotes))
          return take_triple(word, quotes);
    if (c == '\'' || c == '"')
      return take_quoted(word, c);
    ++at_;
    if (c != '\\') {
      word += c;
      return {};
    }
    if (at_ == text_.size())
      return unterminated("a backslash has nothing after it");
    if (text_[at_] == '\n')
      ++line_;
    else
      word += text_[at_];
    ++at_;
    return {};
  }

  caf::error take_quoted(std::string& word, char quote) {
    for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      auto c = text_[at_];
      if (c == quote) {
        ++at_;
        return {};
      }
      auto next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      if (quote == '"' && c == '\\' && next != '\0'
          && std::string_view{"$`\"\\\n"}.find(next) != std::string_view::npos) {
        ++at_;
        if (next == '\n') {
          ++line_;
          continue;
        }
        c = next;
      }
      word += c;
    }
    return unterminated(fmt::format("the quote {} has no end", quote));
  }

  caf::error take_triple(std::string& word, std::string_view quotes) {
    auto begin = at_ + quotes.size();
    auto end = text_.find(quotes, begin);
    if (end == text_.npos)
      return unterminated(fmt::format("the quotes {} have no end", quotes));
    auto inner = text_.substr(begin, end - begin);
    word += dedent(inner);
    line_ += static_cast<size_t>(std::count(inner.begin(), inner.end(), '\n'));
    at_ = end + quotes.size();
    return {};
  }

  caf::error unterminated(std::string what) const {
    return make_error(ec::bad_argument, fmt::format("line {}: {}", line_ + 1, what));
  }

  std::string_view text_;
  bool triple_;
  size_t at_ = 0;
  size_t line_ = 0;
};

} // namespace

caf::expected<std::vector<shell_word>> split_words(std::string_view text, bool triple) {
  return splitter{text, triple}.run();
}

} // namespace hactor::tools
