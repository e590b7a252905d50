// See document.hpp. One builder takes the events of both parsers, so that the bounds are the same.
// yaml-cpp and the JSON library report by exceptions: they are caught in this file.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/document.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace hactor {

namespace {

/// What a scalar or container costs beyond its text; near what the JSON library takes for it.
constexpr size_t value_bytes = 32;

/// Builds a value from open/close/scalar events. Every method that returns a string returns what
/// is wrong, "" when nothing is.
class builder {
public:
  std::string open(bool is_map) {
    if (stack_.size() >= document_depth_max)
      return fmt::format("nested deeper than {} levels", document_depth_max);
    stack_.push_back(frame{is_map ? json::object() : json::array(), {}, false, bytes_});
    bytes_ += value_bytes;
    return {};
  }

  /// Closes the innermost container; `value` and `cost` tell what was built (for anchors).
  std::string close(json* value, size_t* cost) {
    auto top = std::move(stack_.back());
    stack_.pop_back();
    if (top.has_key)
      return fmt::format("the key \"{}\" has no value", top.key);
    if (value) {
      *value = top.value;
      *cost = bytes_ - top.bytes_before;
    }
    return put(std::move(top.value));
  }

  bool wants_key() const { return !stack_.empty() && in_map() && !stack_.back().has_key; }

  std::string key(std::string name) {
    auto& top = stack_.back();
    if (top.value.contains(name))
      return fmt::format("the key \"{}\" occurs twice in one mapping", name);
    if (auto bad = charge(value_bytes + name.size()); !bad.empty())
      return bad;
    top.key = std::move(name);
    top.has_key = true;
    return {};
  }

  std::string scalar(json value, size_t text_bytes) {
    if (auto bad = charge(value_bytes + text_bytes); !bad.empty())
      return bad;
    return put(std::move(value));
  }

  /// Puts a copy of an anchored value that costs `cost` bytes.
  std::string copy(const json& value, size_t depth, size_t cost) {
    if (stack_.size() + depth > document_depth_max)
      return fmt::format("nested deeper than {} levels", document_depth_max);
    if (auto bad = charge(cost); !bad.empty())
      return bad;
    return put(value);
  }

  bool done() const { return done_; }
  json take() { return std::move(root_); }
  size_t bytes() const { return bytes_; }

private:
  struct frame {
    json value;
    std::string key;
    bool has_key = false;
    size_t bytes_before = 0;
  };

  bool in_map() const { return stack_.back().value.is_object(); }

  std::string charge(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > document_expanded_bytes_max)
      return fmt::format("expands to more than {} MiB", document_expanded_bytes_max >> 20);
    return {};
  }

  std::string put(json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      done_ = true;
    } else if (in_map()) {
      stack_.back().value.emplace(std::move(stack_.back().key), std::move(value));
      stack_.back().has_key = false;
    } else {
      stack_.back().value.push_back(std::move(value));
    }
    return {};
  }

  std::vector<frame> stack_;
  json root_;
  bool done_ = false;
  size_t bytes_ = 0;
};

// -- JSON ---------------------------------------------------------------------------------------

struct position {
  size_t line = 1;
  size_t column = 1;
};

position position_of(std::string_view text, size_t offset) {
  position at;
  offset = std::min(offset, text.size());
  for (size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n') {
      ++at.line;
      at.column = 1;
    } else {
      ++at.column;
    }
  }
  return at;
}

class json_events final : public nlohmann::json_sax<json> {
public:
  bool null() override { return ok(to_.scalar(nullptr, 0)); }
  bool boolean(bool x) override { return ok(to_.scalar(x, 0)); }
  bool number_integer(int64_t x) override { return ok(to_.scalar(x, 0)); }
  bool number_unsigned(uint64_t x) override { return ok(to_.scalar(x, 0)); }
  bool number_float(double x, const std::string&) override { return ok(to_.scalar(x, 0)); }
  bool string(std::string& x) override {
    auto size = x.size();
    return ok(to_.scalar(std::move(x), size));
  }
  bool binary(json::binary_t&) override { return ok("binary values are not JSON"); }
  bool start_object(size_t) override { return ok(to_.open(true)); }
  bool key(std::string& x) override { return ok(to_.key(std::move(x))); }
  bool end_object() override { return ok(to_.close(nullptr, nullptr)); }
  bool start_array(size_t) override { return ok(to_.open(false)); }
  bool end_array() override { return ok(to_.close(nullptr, nullptr)); }

  bool parse_error(size_t offset, const std::string&,
                   const nlohmann::detail::exception& e) override {
    // The library writes "[json...] parse error at line 1, column 2: REASON".
    std::string_view reason = e.what();
    if (auto cut = reason.find("column "); cut != std::string_view::npos)
      if (auto colon = reason.find(": ", cut); colon != std::string_view::npos)
        reason.remove_prefix(colon + 2);
    offset_ = offset > 0 ? offset - 1 : 0;
    bad_ = std::string(reason);
    return false;
  }

  const std::string& bad() const { return bad_; }
  bool has_offset() const { return offset_ != std::string::npos; }
  size_t offset() const { return offset_; }
  json take() { return to_.take(); }

private:
  bool ok(std::string bad) {
    if (bad.empty())
      return true;
    bad_ = std::move(bad);
    return false;
  }

  builder to_;
  std::string bad_;
  size_t offset_ = std::string::npos;
};

caf::expected<json> read_json(std::string_view text, std::string_view what) {
  json_events events;
  if (json::sax_parse(text.begin(), text.end(), &events))
    return events.take();
  if (!events.has_offset())
    return make_error(ec::bad_json, fmt::format("{}: {}", what, events.bad()));
  auto at = position_of(text, events.offset());
  return make_error(ec::bad_json, fmt::format("{}: line {}, column {}: {}", what, at.line,
                                              at.column, events.bad()));
}

// -- YAML ---------------------------------------------------------------------------------------

/// Carries a refusal out of yaml-cpp; caught in read_yaml.
struct refusal {
  YAML::Mark at;
  std::string why;
};

bool is_utf8(std::string_view s) {
  size_t i = 0;
  while (i < s.size()) {
    auto c = static_cast<unsigned char>(s[i]);
    size_t more = c < 0x80 ? 0 : (c >> 5) == 6 ? 1 : (c >> 4) == 14 ? 2 : (c >> 3) == 30 ? 3 : 9;
    if (more == 9 || i + more >= s.size() + (more == 0))
      return false;
    uint32_t point = more == 0 ? c : c & (0x3F >> more);
    for (size_t k = 1; k <= more; ++k) {
      auto d = static_cast<unsigned char>(s[i + k]);
      if ((d >> 6) != 2)
        return false;
      point = point << 6 | (d & 0x3F);
    }
    constexpr uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
      return false;
    i += more + 1;
  }
  return true;
}

/// Reads a plain scalar by the core schema of YAML 1.2.
json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return nullptr;
  if (text == "true" || text == "True" || text == "TRUE")
    return true;
  if (text == "false" || text == "False" || text == "FALSE")
    return false;
  auto first = text.data();
  auto last = first + text.size();
  auto digits = *first == '+' ? first + 1 : first;
  if (digits == last || std::string_view("+-.0123456789").find(*digits) == std::string_view::npos
      || (digits != first && (*digits == '-' || *digits == '+')))
    return text;
  for (auto [prefix, base] : {std::pair{"0x", 16}, std::pair{"0o", 8}}) {
    if (text.rfind(prefix, 0) == 0) {
      uint64_t x = 0;
      auto [end, err] = std::from_chars(first + 2, last, x, base);
      return err == std::errc{} && end == last ? json(x) : json(text);
    }
  }
  uint64_t natural = 0;
  if (auto [end, err] = std::from_chars(digits, last, natural); err == std::errc{} && end == last)
    return natural;
  int64_t integer = 0;
  if (auto [end, err] = std::from_chars(digits, last, integer); err == std::errc{} && end == last)
    return integer;
  double real = 0;
  if (auto [end, err] = std::from_chars(digits, last, real);
      err == std::errc{} && end == last && std::isfinite(real))
    return real;
  return text;
}

class yaml_events final : public YAML::EventHandler {
public:
  void OnDocumentStart(const YAML::Mark& at) override {
    if (std::exchange(started_, true))
      throw refusal{at, "a second document; exactly one is wanted"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& at, YAML::anchor_t anchor) override {
    not_a_key(at, "an empty key");
    check(at, to_.scalar(nullptr, 0));
    if (anchor)
      anchors_[anchor] = {nullptr, 0, value_bytes};
  }

  void OnAlias(const YAML::Mark& at, YAML::anchor_t anchor) override {
    not_a_key(at, "an alias as key");
    auto i = anchors_.find(anchor);
    if (i == anchors_.end())
      throw refusal{at, "an alias inside of its own anchor"};
    check(at, to_.copy(i->second.value, i->second.depth, i->second.cost));
  }

  void OnScalar(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (!is_utf8(text))
      throw refusal{at, "text that is not UTF-8"};
    if (to_.wants_key()) {
      if (text == "<<" && tag == "?")
        throw refusal{at, "merge keys (<<) are not supported; repeat the keys"};
      check(at, to_.key(text));
      return;
    }
    auto value = scalar(at, tag, text);
    if (anchor)
      anchors_[anchor] = {value, 0, value_bytes + text.size()};
    check(at, to_.scalar(std::move(value), text.size()));
  }

  void OnSequenceStart(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(at, tag, "tag:yaml.org,2002:seq", anchor, false);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(at, tag, "tag:yaml.org,2002:map", anchor, true);
  }
  void OnMapEnd() override { close(); }

  bool done() const { return to_.done(); }
  json take() { return to_.take(); }

private:
  struct anchored {
    json value;
    size_t depth = 0;
    size_t cost = 0;
  };
  struct opened {
    YAML::Mark at;
    YAML::anchor_t anchor;
  };

  void check(const YAML::Mark& at, const std::string& bad) {
    if (!bad.empty())
      throw refusal{at, bad};
  }

  void not_a_key(const YAML::Mark& at, const char* what) {
    if (to_.wants_key())
      throw refusal{at, fmt::format("{}; keys must be text", what)};
  }

  json scalar(const YAML::Mark& at, const std::string& tag, const std::string& text) {
    if (tag == "!" || tag == "tag:yaml.org,2002:str")
      return text;
    if (tag == "?" || tag.empty())
      return plain_scalar(text);
    for (auto known : {"null", "bool", "int", "float"})
      if (tag == std::string("tag:yaml.org,2002:") + known)
        return plain_scalar(text);
    throw refusal{at, fmt::format("the tag \"{}\" is not known", tag)};
  }

  void open(const YAML::Mark& at, const std::string& tag, const char* own, YAML::anchor_t anchor,
            bool is_map) {
    if (tag != "?" && tag != "!" && !tag.empty() && tag != own)
      throw refusal{at, fmt::format("the tag \"{}\" is not known", tag)};
    not_a_key(at, "a list or mapping as key");
    check(at, to_.open(is_map));
    open_.push_back({at, anchor});
  }

  void close() {
    auto top = open_.back();
    open_.pop_back();
    if (!top.anchor) {
      check(top.at, to_.close(nullptr, nullptr));
      return;
    }
    anchored x;
    check(top.at, to_.close(&x.value, &x.cost));
    x.depth = depth_of(x.value);
    // The copy that is kept for later aliases counts too: nested anchors cannot multiply for free.
    kept_ += x.cost;
    if (kept_ > document_expanded_bytes_max)
      throw refusal{top.at, "too much text under anchors"};
    anchors_[top.anchor] = std::move(x);
  }

  builder to_;
  std::unordered_map<YAML::anchor_t, anchored> anchors_;
  std::vector<opened> open_;
  size_t kept_ = 0;
  bool started_ = false;
};

caf::expected<json> read_yaml(std::string_view text, std::string_view what) {
  auto fail = [&](const YAML::Mark& at, const std::string& why) {
    return make_error(ec::bad_json, fmt::format("{}: line {}, column {}: {}", what, at.line + 1,
                                                at.column + 1, why));
  };
  yaml_events events;
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(events)) {
    }
  } catch (const refusal& e) {
    return fail(e.at, e.why);
  } catch (const YAML::Exception& e) {
    return fail(e.mark, e.msg);
  } catch (const std::exception& e) {
    return make_error(ec::bad_json, fmt::format("{}: {}", what, e.what()));
  }
  if (!events.done())
    return make_error(ec::bad_json, fmt::format("{}: empty; a document is wanted", what));
  return events.take();
}

} // namespace

size_t depth_of(const json& value) {
  size_t deepest = 0;
  if (value.is_structured())
    for (const auto& x : value)
      deepest = std::max(deepest, depth_of(x));
  return value.is_structured() ? deepest + 1 : 0;
}

caf::expected<json> parse_document(std::string_view text, size_t bytes_max, std::string_view what) {
  if (text.size() > bytes_max)
    return make_error(ec::too_big, fmt::format("{}: {} bytes; at most {} bytes are taken", what,
                                               text.size(), bytes_max));
  auto start = text.find_first_not_of(" \t\r\n");
  bool looks_json = start != std::string_view::npos && (text[start] == '{' || text[start] == '[');
  if (!looks_json)
    return read_yaml(text, what);
  auto result = read_json(text, what);
  if (result)
    return result;
  // YAML's flow style also starts so. When neither reads it, JSON's complaint is the better one.
  if (auto yaml = read_yaml(text, what))
    return yaml;
  return result;
}

std::string brief(const json& value) {
  constexpr size_t most = 60;
  // A big container is not rendered just to be cut.
  if (value.is_structured() && value.size() > most)
    return value.is_array() ? "a long list" : "a big mapping";
  auto text = dump(value);
  if (text.size() <= most)
    return text;
  auto cut = most;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) >> 6) == 2)
    --cut;
  return text.substr(0, cut) + "...";
}

} // namespace hactor
