// See xml_guard.hpp. Tags are counted, not understood, save for their ids: what is wrong in them
// the library says.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/xml_guard.hpp"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "runtime/limits.hpp"

namespace hactor {

namespace {

class scanner {
public:
  scanner(std::string_view text, std::string_view what, std::string_view unique)
      : text_(text), what_(what), unique_(unique) {}

  caf::error run() {
    while ((at_ = text_.find('<', at_)) != std::string_view::npos) {
      caf::error e;
      if (rest().starts_with("<!--"))
        e = skip_past("-->");
      else if (rest().starts_with("<![CDATA["))
        e = skip_past("]]>");
      else if (rest().starts_with("<?"))
        e = skip_past("?>");
      else
        e = tag();
      if (e)
        return e;
    }
    if (depth_ > 0)
      return refuse(text_.size(), fmt::format("{} elements are left open", depth_));
    return {};
  }

private:
  std::string_view rest() const { return text_.substr(at_); }

  caf::error refuse(size_t position, std::string_view why, ec code = ec::bad_argument) const {
    auto before = text_.substr(0, position);
    return make_error(code, fmt::format("{}: line {}: {}", what_,
                                        1 + std::count(before.begin(), before.end(), '\n'), why));
  }

  caf::error skip_past(std::string_view end) {
    auto found = text_.find(end, at_ + 1);
    if (found == std::string_view::npos)
      return refuse(at_, fmt::format("it does not end: no {}", end));
    at_ = found + end.size();
    return {};
  }

  /// <name ...>, </name>, <name .../>, <!DOCTYPE ...>: quotes may hold any of these marks.
  caf::error tag() {
    auto start = at_;
    char quote = 0;
    for (++at_; at_ < text_.size(); ++at_) {
      auto c = text_[at_];
      if (quote != 0)
        quote = c == quote ? 0 : quote;
      else if (c == '"' || c == '\'')
        quote = c;
      else if (c == '>')
        break;
    }
    if (at_ == text_.size())
      return refuse(start, "a tag does not end");
    auto inside = text_.substr(start + 1, at_ - start - 1);
    ++at_;
    if (inside.starts_with('!')) {
      if (inside.find('[') != std::string_view::npos)
        return refuse(start, "declarations of its own are not taken");
      return {};
    }
    if (auto e = check_id(inside, start))
      return e;
    if (inside.starts_with('/'))
      return depth_-- > 0 ? caf::error{} : refuse(start, "an element ends that was not opened");
    if (!inside.ends_with('/') && ++depth_ > static_cast<ptrdiff_t>(limits::xml_depth_max))
      return refuse(start, fmt::format("nested deeper than {} levels", limits::xml_depth_max),
                    ec::too_big);
    return {};
  }

  /// Whether another element of the name that must have ids of its own has this one.
  caf::error check_id(std::string_view inside, size_t start) {
    constexpr auto blanks = " \t\r\n";
    if (unique_.empty() || !inside.starts_with(unique_)
        || inside.substr(unique_.size()).find_first_of(blanks) != 0)
      return {};
    for (auto rest = inside.substr(unique_.size());;) {
      rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
      auto equals = rest.find('=');
      if (equals == std::string_view::npos)
        return {};
      auto name = rest.substr(0, rest.find_first_of(" \t\r\n="));
      rest.remove_prefix(equals);
      auto open = rest.find_first_of("\"'");
      auto close = open == std::string_view::npos ? open : rest.find(rest[open], open + 1);
      if (close == std::string_view::npos)
        return {};
      auto value = rest.substr(open + 1, close - open - 1);
      if (name == "id" && !ids_.insert(value).second)
        return refuse(start, fmt::format("{} \"{}\" is there already", unique_, value));
      rest.remove_prefix(close + 1);
    }
  }

  std::string_view text_;
  std::string_view what_;
  std::string_view unique_;
  std::unordered_set<std::string_view> ids_;
  size_t at_ = 0;
  ptrdiff_t depth_ = 0;
};

} // namespace

caf::error check_xml(std::string_view text, std::string_view what, std::string_view unique) {
  if (text.size() > limits::xml_bytes_max)
    return make_error(ec::too_big, fmt::format("{}: {} bytes; at most {} bytes are taken", what,
                                               text.size(), limits::xml_bytes_max));
  if (auto zero = text.find('\0'); zero != std::string_view::npos)
    return make_error(ec::bad_argument,
                      fmt::format("{}: byte {} is 0: this is no text", what, zero));
  return scanner{text, what, unique}.run();
}

} // namespace hactor
