// Walks JSON text without building a tree, for hot paths that want slices of the text. What it
// passes is JSON that parse_json reads too, each of its keys once; what is unusual (keys with
// escapes or that occur twice, surrogates, long or huge numbers, a hundred keys) it refuses, and
// the caller goes the long way with parse_json, which also says what is wrong.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace hactor {

class json_scan {
public:
  explicit json_scan(std::string_view text) : text_(text) {}

  /// Passes the value that comes next. False: the text is not JSON, or unusual.
  bool value();

  /// Passes an object and calls `f(key)` before each value, which `f` must pass; ends when `f`
  /// returns false. The key is as in the text, between its quotes.
  template <class F>
  bool members(F f) {
    if (!open('{'))
      return false;
    auto first_key = keys_.size();
    for (bool more = !closes('}'); more;) {
      if (!key(first_key) || !f(keys_.back()))
        return false;
      more = continues();
      if (!more && !closes('}'))
        return false;
    }
    keys_.resize(first_key);
    --depth_;
    return true;
  }

  /// Passes an array and calls `f()` before each value, as members() does.
  template <class F>
  bool elements(F f) {
    if (!open('['))
      return false;
    for (bool more = !closes(']'); more;) {
      if (!f())
        return false;
      more = continues();
      if (!more && !closes(']'))
        return false;
    }
    --depth_;
    return true;
  }

  /// Passes a string without escapes; `text` is what is between its quotes.
  bool plain_string(std::string_view& text);

  /// Passes these bytes, a value that this object has passed before at the same depth, if they come
  /// next. Requires: they begin and end with a bracket or a quote.
  bool again(std::string_view bytes);

  /// Passes blanks; returns what comes next, '\0' at the end.
  char next();
  size_t at() const { return at_; } ///< Of what comes next, if next() was called before.
  std::string_view since(size_t begin) const { return text_.substr(begin, at_ - begin); }
  bool at_end() { return next() == '\0' && at_ == text_.size(); }

private:
  bool open(char bracket);
  bool closes(char bracket);
  bool continues() { return closes(','); }
  bool key(size_t first_key);
  bool string(bool escapes);
  bool number();
  bool word(std::string_view expected);

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  std::vector<std::string_view> keys_; // of the objects that are open
};

} // namespace hactor
