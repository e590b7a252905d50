// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/shape.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "graph/count.hpp"

namespace hactor::tools {

namespace {

/// Levels that a shape may have: its reader recurses.
constexpr size_t levels_max = 64;

class reader {
public:
  explicit reader(std::string_view text) : text_{text} {}

  caf::expected<shape> read() {
    shape result;
    if (auto e = level(result.resources, 0))
      return e;
    if (at_ < text_.size())
      return bad("'/', ';' or the end is expected");
    if (slots_.size() != 1)
      return make_error(ec::bad_argument,
                        fmt::format("--shape={}: has {} slots; must have one, in which the command "
                                    "runs, e.g. slot=4/core=2",
                                    text_, slots_.size()));
    result.label = slots_[0];
    return result;
  }

private:
  caf::error bad(std::string_view what) const {
    return make_error(ec::bad_argument,
                      fmt::format("--shape={}: at '{}': {}; right is e.g. slot=4/core=2 or "
                                  "node=2/[slot/core=4;memory=8{{unit:GB}}]",
                                  text_, text_.substr(at_, 20), what));
  }

  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c)
      return false;
    ++at_;
    return true;
  }

  std::string_view take_until(std::string_view ends) {
    auto end = std::min(text_.find_first_of(ends, at_), text_.size());
    auto word = text_.substr(at_, end - at_);
    at_ = end;
    return word;
  }

  /// One vertex with what is below it, or several in brackets.
  caf::error level(json& to, size_t depth) {
    to = json::array();
    if (depth == levels_max)
      return bad(fmt::format("more than {} levels", levels_max));
    auto siblings = take('[');
    do {
      json vertex;
      if (auto e = siblings && at_ < text_.size() && text_[at_] == '[' ? bad("a type is expected")
                                                                       : read_vertex(vertex))
        return e;
      if (take('/'))
        if (auto e = level(vertex["with"], depth + 1))
          return e;
      to.push_back(std::move(vertex));
    } while (siblings && take(';'));
    return siblings && !take(']') ? bad("';' or ']' is expected") : caf::error{};
  }

  caf::error read_vertex(json& vertex) {
    auto type = take_until("=/{}[];");
    if (type.empty())
      return bad("a type is expected");
    vertex = {{"type", type}, {"count", 1}};
    if (take('='))
      if (auto e = read_count(vertex["count"]))
        return e;
    bool is_slot = type == "slot";
    if (take('{')) {
      for (bool first = true; !take('}'); first = false) {
        if (!first && !take(','))
          return bad("',' or '}' is expected");
        if (auto e = read_key(vertex, is_slot && first))
          return e;
      }
    }
    if (is_slot) {
      if (!vertex.contains("label"))
        vertex["label"] = "task";
      slots_.push_back(vertex["label"].get<std::string>());
    }
    return {};
  }

  caf::error read_count(json& to) {
    auto begin = at_;
    // A count in brackets ends with its bracket; one without may have commas.
    auto word = take('[') ? take_until("]") : take_until("/{}[];");
    if (text_[begin] == '[' && !take(']'))
      return bad("']' is expected");
    auto count = parse_count_text(word);
    if (!count) {
      at_ = begin;
      return bad("is no count: a number, a range like 2-8:2:* or 4+, or an idset");
    }
    to = to_json(*count);
    return {};
  }

  /// key:value, +key, -key or key; the label of a slot stands alone.
  caf::error read_key(json& vertex, bool may_be_label) {
    auto word = take_until(",:{}[];/");
    json value = true;
    bool has_value = take(':');
    if (has_value) {
      auto text = take_until(",{}");
      auto parsed = parse_json(text);
      value = parsed ? std::move(*parsed) : json(std::string{text});
    }
    bool sign = word.starts_with('+') || word.starts_with('-');
    auto key = std::string{word.substr(sign ? 1 : 0)};
    if (key.empty() || (sign && has_value))
      return bad("a key is expected");
    if (word.starts_with('-'))
      value = false;
    if (may_be_label && !has_value && !sign && key != "x" && key != "exclusive")
      vertex["label"] = key;
    else
      vertex[key == "x" ? "exclusive" : key] = std::move(value);
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<std::string> slots_;
};

} // namespace

caf::expected<shape> parse_shape(std::string_view text) { return reader{text}.read(); }

} // namespace hactor::tools
