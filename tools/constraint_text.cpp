// See constraint_text.hpp. Recursive descent: either := both {or both}; both := term {[and] term}.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/constraint_text.hpp"

#include <optional>
#include <vector>

#include "runtime/idset.hpp"

namespace hactor::tools {

namespace {

constexpr int depth_max = 32;

class constraint_reader {
public:
  explicit constraint_reader(std::string_view text) : text_(text) { advance(); }

  caf::expected<json> run() {
    auto result = either(0);
    if (open_quote_)
      return wrong("a quote is not closed");
    if (result && !at_end_)
      return wrong("'" + token_ + "' is not expected here");
    return result;
  }

private:
  caf::error wrong(const std::string& why) const {
    return make_error(ec::bad_argument, "--requires: " + why + " in '" + std::string{text_}
                                          + "'; write e.g. 'gpu&-slow', 'host:n[1-3] or rank:0'");
  }

  // Tokens are ( ) & | and words; quotes keep blanks and operators inside a word.
  void advance() {
    token_.clear();
    quoted_ = false;
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
      ++at_;
    at_end_ = at_ == text_.size();
    if (at_end_)
      return;
    if (std::string_view{"()&|"}.find(text_[at_]) != std::string_view::npos) {
      token_ = text_[at_++];
      if (at_ < text_.size() && text_[at_] == token_[0] && (token_ == "&" || token_ == "|"))
        ++at_;
      return;
    }
    char quote = 0;
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (quote != 0 ? c == quote : c == '"' || c == '\'') {
        quote = quote != 0 ? 0 : c;
        quoted_ = true;
        continue;
      }
      if (quote == 0 && (std::isspace(static_cast<unsigned char>(c)) || c == '&' || c == '|'
                         || c == '(' || c == ')'))
        break;
      token_ += c;
    }
    open_quote_ |= quote != 0;
  }

  bool is(std::string_view symbol, std::string_view word) const {
    return !quoted_ && (token_ == symbol || token_ == word);
  }

  caf::expected<json> either(int depth) {
    auto left = both(depth);
    if (!left || !is("|", "or"))
      return left;
    json parts = json::array({std::move(*left)});
    while (is("|", "or")) {
      advance();
      auto right = both(depth);
      if (!right)
        return right;
      parts.push_back(std::move(*right));
    }
    return json{{"or", std::move(parts)}};
  }

  caf::expected<json> both(int depth) {
    auto left = term(depth);
    if (!left)
      return left;
    json parts = json::array({std::move(*left)});
    while (!at_end_ && !is("|", "or") && !is(")", ")")) {
      if (is("&", "and"))
        advance();
      auto right = term(depth);
      if (!right)
        return right;
      parts.push_back(std::move(*right));
    }
    return parts.size() == 1 ? std::move(parts[0]) : json{{"and", std::move(parts)}};
  }

  caf::expected<json> term(int depth) {
    if (depth > depth_max)
      return wrong("negations and parentheses are nested too deeply");
    if (is("not", "not")) {
      advance();
      auto inner = term(depth + 1);
      return inner ? caf::expected<json>{json{{"not", json::array({std::move(*inner)})}}} : inner;
    }
    if (is("(", "(")) {
      advance();
      auto inner = either(depth + 1);
      if (inner && !is(")", ")"))
        return wrong("')' is missing");
      advance();
      return inner;
    }
    if (at_end_ || is("&", "and") || is("|", "or") || is(")", ")"))
      return wrong(at_end_ ? "a term is missing at the end" : "a term is missing before '"
                                                                       + token_ + "'");
    auto word = token_;
    if (word.empty())
      return wrong("a term is empty");
    if (word == "-" && !quoted_)
      return wrong("'-' stands before a single term; before parentheses write 'not'");
    advance();
    bool negated = word.size() > 1 && word[0] == '-';
    auto result = operation(negated ? word.substr(1) : word);
    if (result && negated)
      return json{{"not", json::array({std::move(*result)})}};
    return result;
  }

  caf::expected<json> operation(const std::string& word) const {
    auto colon = word.find(':');
    auto op = colon == word.npos ? "properties" : word.substr(0, colon);
    auto operand = colon == word.npos ? word : word.substr(colon + 1);
    if (operand.empty())
      return wrong("'" + word + "' has nothing after ':'");
    if (op == "host" || op == "hosts" || op == "hostlist")
      return json{{"hostlist", json::array({operand})}};
    if (op == "rank" || op == "ranks") {
      if (auto ranks = idset::parse(operand); !ranks)
        return wrong(render(ranks.error()));
      return json{{"ranks", json::array({operand})}};
    }
    if (op != "properties" && op != "property")
      return wrong("'" + op + "' is not one of host, rank, properties");
    json list = json::array();
    for (size_t start = 0; start <= operand.size();) {
      auto end = std::min(operand.find(',', start), operand.size());
      if (end == start)
        return wrong("an empty property");
      list.push_back(operand.substr(start, end - start));
      start = end + 1;
    }
    return json{{"properties", std::move(list)}};
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string token_;
  bool quoted_ = false;     // some of the token
  bool at_end_ = false;     // there is no token
  bool open_quote_ = false; // a quote without its end
};

} // namespace

caf::expected<json> parse_constraint(std::string_view text) {
  return constraint_reader{text}.run();
}

} // namespace hactor::tools
