// See expression.hpp. A parser that computes as it reads: expressions are short, and evaluated once
// for each job. Errors are a flag that ends all further work.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/expression.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <variant>
#include <vector>

namespace hactor::tools {

namespace {

using text_list = std::vector<std::string>;
using value = std::variant<int64_t, double, std::string, text_list>;

/// Parentheses and other nesting; more is a mistake, and each level is a few calls deep.
constexpr int depth_max = 64;

bool is_number(const value& v) { return v.index() < 2; }

double as_double(const value& v) {
  auto* whole = std::get_if<int64_t>(&v);
  return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(v);
}

std::string as_text(const value& v) {
  if (auto* text = std::get_if<std::string>(&v))
    return *text;
  if (auto* whole = std::get_if<int64_t>(&v))
    return std::to_string(*whole);
  if (auto* list = std::get_if<text_list>(&v)) {
    std::string all;
    for (auto& t : *list)
      all += (all.empty() ? "" : ",") + t;
    return all;
  }
  char buffer[64];
  auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, std::get<double>(v));
  std::string text{buffer, end};
  return text.find_first_not_of("-0123456789") == text.npos ? text + ".0" : text;
}

bool is_true(const value& v) {
  if (is_number(v))
    return as_double(v) != 0;
  auto* text = std::get_if<std::string>(&v);
  return text != nullptr ? !text->empty() : !std::get<text_list>(v).empty();
}

class evaluation {
public:
  evaluation(std::string_view code, const std::string& x) : code_(code), x_(x) {}

  caf::expected<std::string> run() {
    auto v = conditional();
    if (error_.empty() && !at_end())
      fail_at("what is this");
    if (!error_.empty())
      return make_error(ec::bad_argument, "'" + std::string{code_} + "': " + error_);
    return as_text(v);
  }

private:
  // -- reading ------------------------------------------------------------------------------------

  void blanks() {
    while (at_ < code_.size() && (code_[at_] == ' ' || code_[at_] == '\t'))
      ++at_;
  }

  bool at_end() {
    blanks();
    return at_ == code_.size();
  }

  /// Takes a sign, unless it is the beginning of a longer one of `unless`.
  bool take(std::string_view sign, std::string_view unless = {}) {
    blanks();
    auto rest = code_.substr(at_);
    if (!error_.empty() || !rest.starts_with(sign) || (!unless.empty() && rest.starts_with(unless)))
      return false;
    at_ += sign.size();
    return true;
  }

  static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
  }

  bool take_word(std::string_view word) {
    blanks();
    auto rest = code_.substr(at_);
    if (!error_.empty() || !rest.starts_with(word)
        || (rest.size() > word.size() && is_letter(rest[word.size()])))
      return false;
    at_ += word.size();
    return true;
  }

  std::string_view name() {
    blanks();
    auto begin = at_;
    while (at_ < code_.size() && is_letter(code_[at_]))
      ++at_;
    return code_.substr(begin, at_ - begin);
  }

  value fail(std::string why) {
    if (error_.empty())
      error_ = std::move(why);
    return int64_t{0};
  }

  value fail_at(std::string_view what) {
    return fail(std::string{what} + " at '" + std::string{code_.substr(std::min(at_, code_.size()))}
                + "'");
  }

  // -- grammar, loosest first ---------------------------------------------------------------------

  value conditional() {
    if (++depth_ > depth_max)
      return fail("it is nested too deeply");
    auto v = disjunction();
    if (take_word("if")) {
      auto condition = disjunction();
      if (!take_word("else"))
        return fail_at("'else' is missing");
      auto other = conditional();
      v = is_true(condition) ? v : other;
    }
    --depth_;
    return v;
  }

  value disjunction() {
    auto v = conjunction();
    while (take_word("or")) {
      auto right = conjunction();
      v = is_true(v) ? v : right;
    }
    return v;
  }

  value conjunction() {
    auto v = negation();
    while (take_word("and")) {
      auto right = negation();
      v = is_true(v) ? right : v;
    }
    return v;
  }

  value negation() {
    bool turned = false, any = false;
    for (; take_word("not"); turned = !turned)
      any = true;
    auto v = comparison();
    return any ? value{int64_t{is_true(v) != turned}} : v;
  }

  value comparison() {
    auto left = sum();
    for (std::string_view sign : {"<=", ">=", "==", "!=", "<", ">"})
      if (take(sign))
        return compare(left, sign, sum());
    return left;
  }

  value compare(const value& a, std::string_view sign, const value& b) {
    if (is_number(a) != is_number(b) && sign != "==" && sign != "!=")
      return fail("a number and a text are compared");
    int order = 0;
    if (is_number(a) && is_number(b))
      order = as_double(a) < as_double(b) ? -1 : as_double(a) > as_double(b);
    else
      order = is_number(a) != is_number(b) ? 1 : as_text(a).compare(as_text(b));
    auto holds = sign == "<"    ? order < 0
                 : sign == ">"  ? order > 0
                 : sign == "<=" ? order <= 0
                 : sign == ">=" ? order >= 0
                 : sign == "==" ? order == 0
                                : order != 0;
    return int64_t{holds};
  }

  value sum() {
    auto v = product();
    while (true) {
      if (take("+"))
        v = compute(v, '+', product());
      else if (take("-"))
        v = compute(v, '-', product());
      else
        return v;
    }
  }

  value product() {
    auto v = sign();
    while (true) {
      if (take("*", "**"))
        v = compute(v, '*', sign());
      else if (take("//"))
        v = compute(v, 'q', sign());
      else if (take("/"))
        v = compute(v, '/', sign());
      else if (take("%"))
        v = compute(v, '%', sign());
      else
        return v;
    }
  }

  value sign() {
    bool turned = false;
    for (;; turned = turned != (code_[at_ - 1] == '-'))
      if (!take("-") && !take("+"))
        break;
    auto v = power();
    return turned ? compute(int64_t{0}, '-', v) : v;
  }

  value power() {
    auto v = suffixed();
    if (!take("**"))
      return v;
    if (++depth_ > depth_max)
      return fail("it is nested too deeply");
    auto right = sign();
    --depth_;
    return compute(v, '^', right);
  }

  /// Whole numbers stay whole, with "/" as the exception; what is too large for 64 bits is an
  /// error.
  value compute(const value& a, char how, const value& b) {
    if (!error_.empty())
      return a;
    if (how == '+' && !is_number(a) && !is_number(b))
      return as_text(a) + as_text(b);
    if (!is_number(a) || !is_number(b))
      return fail("a text is no number; int(x) makes one of it");
    auto *i = std::get_if<int64_t>(&a), *k = std::get_if<int64_t>(&b);
    if (i != nullptr && k != nullptr && how != '/')
      return compute_whole(*i, how, *k);
    auto x = as_double(a), y = as_double(b);
    if (y == 0 && (how == '/' || how == 'q' || how == '%'))
      return fail("a division by 0");
    switch (how) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / y;
    case 'q':
      return std::floor(x / y);
    case '%':
      return x - y * std::floor(x / y);
    default:
      return std::pow(x, y);
    }
  }

  value compute_whole(int64_t i, char how, int64_t k) {
    int64_t r = 0;
    bool over = false;
    switch (how) {
    case '+':
      over = __builtin_add_overflow(i, k, &r);
      break;
    case '-':
      over = __builtin_sub_overflow(i, k, &r);
      break;
    case '*':
      over = __builtin_mul_overflow(i, k, &r);
      break;
    case '^':
      if (k < 0)
        return std::pow(static_cast<double>(i), static_cast<double>(k));
      r = 1;
      for (auto base = i; k > 0 && !over; k >>= 1) {
        over = (k & 1) != 0 && __builtin_mul_overflow(r, base, &r);
        over = over || (k > 1 && __builtin_mul_overflow(base, base, &base));
      }
      break;
    default: { // towards minus infinity, as Python has it
      if (k == 0)
        return fail("a division by 0");
      if (i == INT64_MIN && k == -1)
        return fail("a number is too large");
      auto quotient = i / k, rest = i % k;
      if (rest != 0 && (rest < 0) != (k < 0)) {
        --quotient;
        rest += k;
      }
      r = how == 'q' ? quotient : rest;
    }
    }
    return over ? fail("a number is too large") : value{r};
  }

  value suffixed() {
    auto v = primary();
    while (error_.empty()) {
      if (take("["))
        v = index(v);
      else if (take("."))
        v = method(v);
      else
        break;
    }
    return v;
  }

  value index(const value& of) {
    auto* text = std::get_if<std::string>(&of);
    auto* list = std::get_if<text_list>(&of);
    if (text == nullptr && list == nullptr)
      return fail("a number has no parts");
    auto size = static_cast<int64_t>(text != nullptr ? text->size() : list->size());
    auto place = [&](int64_t otherwise) {
      auto v = conditional();
      auto* i = std::get_if<int64_t>(&v);
      return i == nullptr ? otherwise : *i < 0 ? *i + size : *i;
    };
    auto begin = take(":") ? -1 : place(0);
    auto is_part = begin == -1 || take(":");
    if (!is_part) {
      if (!take("]"))
        return fail_at("']' is missing");
      if (begin < 0 || begin >= size)
        return fail("part " + std::to_string(begin) + " of " + std::to_string(size));
      auto i = static_cast<size_t>(begin);
      return text != nullptr ? std::string(1, (*text)[i]) : (*list)[i];
    }
    auto end = take("]") ? size : place(size);
    if (code_[at_ - 1] != ']' && !take("]"))
      return fail_at("']' is missing");
    begin = std::clamp<int64_t>(begin == -1 ? 0 : begin, 0, size);
    end = std::clamp<int64_t>(end, begin, size);
    if (text != nullptr)
      return text->substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    return text_list(list->begin() + begin, list->begin() + end);
  }

  value primary() {
    if (take("(")) {
      auto v = conditional();
      return take(")") ? v : fail_at("')' is missing");
    }
    blanks();
    auto c = at_ < code_.size() ? code_[at_] : '\0';
    if (c == '\'' || c == '"')
      return quoted(c);
    if ((c >= '0' && c <= '9') || c == '.')
      return number();
    auto word = name();
    if (word == "x")
      return x_;
    if (word.empty())
      return fail_at("a value is missing");
    if (!take("("))
      return fail("'" + std::string{word} + "' is not x, and no function");
    auto arguments = list();
    return error_.empty() ? call(word, arguments) : value{int64_t{0}};
  }

  value quoted(char quote) {
    std::string text;
    for (++at_; at_ < code_.size() && code_[at_] != quote; ++at_) {
      if (code_[at_] == '\\' && at_ + 1 < code_.size())
        ++at_;
      text += code_[at_];
    }
    if (at_ == code_.size())
      return fail("a quote has no end");
    ++at_;
    return text;
  }

  value number() {
    auto begin = code_.data() + at_, end = code_.data() + code_.size();
    int64_t whole = 0;
    auto [stop, code] = std::from_chars(begin, end, whole);
    if (code == std::errc{} && (stop == end || (*stop != '.' && *stop != 'e' && *stop != 'E'))) {
      at_ += static_cast<size_t>(stop - begin);
      return whole;
    }
    double real = 0;
    auto [last, real_code] = std::from_chars(begin, end, real);
    if (real_code != std::errc{})
      return fail_at("no number");
    at_ += static_cast<size_t>(last - begin);
    return real;
  }

  std::vector<value> list() {
    std::vector<value> all;
    if (take(")"))
      return all;
    do
      all.push_back(conditional());
    while (take(","));
    if (!take(")"))
      fail_at("')' is missing");
    return all;
  }

  // -- functions ----------------------------------------------------------------------------------

  value to_number(const value& v, bool whole) {
    if (is_number(v))
      return whole ? value{static_cast<int64_t>(as_double(v))} : value{as_double(v)};
    auto text = as_text(v);
    auto first = text.find_first_not_of(" \t");
    std::string_view trimmed =
        first == text.npos
            ? ""
            : std::string_view{text}.substr(first, text.find_last_not_of(" \t") + 1 - first);
    auto *begin = trimmed.data(), *end = begin + trimmed.size();
    int64_t i = 0;
    double d = 0;
    auto result = whole ? std::from_chars(begin, end, i) : std::from_chars(begin, end, d);
    if (trimmed.empty() || result.ec != std::errc{} || result.ptr != end)
      return fail("'" + text + "' is no " + (whole ? "whole " : "") + "number");
    return whole ? value{i} : value{d};
  }

  value call(std::string_view f, const std::vector<value>& a) {
    if (a.empty())
      return fail(std::string{f} + "() needs a value");
    if (f == "int" || f == "float")
      return to_number(a[0], f == "int");
    if (f == "str")
      return as_text(a[0]);
    if (f == "len") {
      auto* list = std::get_if<text_list>(&a[0]);
      return static_cast<int64_t>(list != nullptr ? list->size() : as_text(a[0]).size());
    }
    if (f == "basename" || f == "dirname") {
      auto path = as_text(a[0]);
      auto slash = path.rfind('/');
      if (f == "basename")
        return path.substr(slash == path.npos ? 0 : slash + 1);
      return slash == path.npos ? std::string{} : path.substr(0, slash);
    }
    for (auto& v : a)
      if (!is_number(v))
        return fail(std::string{f} + "() is of numbers; int(x) makes one of a text");
    if (f == "abs")
      return as_double(a[0]) < 0 ? compute(int64_t{0}, '-', a[0]) : a[0];
    if (f == "round") {
      auto digits = a.size() > 1 ? std::pow(10.0, as_double(a[1])) : 1;
      auto r = std::nearbyint(as_double(a[0]) * digits) / digits;
      return a.size() > 1 ? value{r} : value{static_cast<int64_t>(r)};
    }
    if (f != "min" && f != "max")
      return fail("there is no function " + std::string{f} + "()");
    auto best = a[0];
    for (auto& v : a)
      if (f == "min" ? as_double(v) < as_double(best) : as_double(v) > as_double(best))
        best = v;
    return best;
  }

  value method(const value& of) {
    auto f = name();
    if (!take("("))
      return fail_at("'(' is missing");
    auto a = list();
    auto* text = std::get_if<std::string>(&of);
    if (!error_.empty() || text == nullptr)
      return fail("." + std::string{f} + "() is of texts");
    auto word = [&a](size_t i) { return i < a.size() ? as_text(a[i]) : std::string{}; };
    if (f == "upper" || f == "lower") {
      auto changed = *text;
      for (auto& c : changed)
        c = static_cast<char>(f == "upper" ? std::toupper(static_cast<unsigned char>(c))
                                           : std::tolower(static_cast<unsigned char>(c)));
      return changed;
    }
    if (f == "startswith")
      return int64_t{text->starts_with(word(0))};
    if (f == "endswith")
      return int64_t{text->ends_with(word(0))};
    if (f == "strip") {
      auto first = text->find_first_not_of(" \t\n");
      return first == text->npos ? std::string{}
                                 : text->substr(first, text->find_last_not_of(" \t\n") + 1 - first);
    }
    if (f == "replace" && a.size() == 2)
      return join(split(*text, word(0)), word(1));
    if (f == "split")
      return split(*text, a.empty() ? " " : word(0));
    return fail("there is no ." + std::string{f} + "() with " + std::to_string(a.size())
                + " values");
  }

  static text_list split(const std::string& text, const std::string& separator) {
    text_list parts;
    size_t start = 0;
    for (auto at = text.npos; !separator.empty() && (at = text.find(separator, start)) != text.npos;
         start = at + separator.size())
      parts.push_back(text.substr(start, at - start));
    parts.push_back(text.substr(start));
    return parts;
  }

  static std::string join(const text_list& parts, const std::string& by) {
    std::string all = parts.front();
    for (size_t i = 1; i < parts.size(); ++i)
      all += by + parts[i];
    return all;
  }

  std::string_view code_;
  const std::string& x_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string error_;
};

} // namespace

caf::expected<std::string> evaluate(std::string_view code, const std::string& x) {
  return evaluation{code, x}.run();
}

} // namespace hactor::tools
