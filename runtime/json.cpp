// See json.hpp. Parsing goes through the library's SAX events, which report errors as calls with a
// byte position instead of exceptions, and lets us stop at a depth.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "runtime/limits.hpp"
#include "runtime/utf8.hpp"

namespace hactor {

namespace {

using dom_parser = nlohmann::detail::json_sax_dom_parser<json>;

class reader : public dom_parser {
public:
  explicit reader(json& root) : dom_parser(root, false) {}

  bool start_object(size_t count) { return enter() && dom_parser::start_object(count); }
  bool start_array(size_t count) { return enter() && dom_parser::start_array(count); }

  bool end_object() {
    --depth_;
    return dom_parser::end_object();
  }

  bool end_array() {
    --depth_;
    return dom_parser::end_array();
  }

  template <class Exception>
  bool parse_error(size_t position, const std::string& token, const Exception& ex) {
    position_ = position;
    what_ = ex.what();
    return false;
  }

  bool too_deep() const { return depth_ > limits::json_depth_max; }
  size_t position() const { return position_; }
  std::string_view what() const { return what_; }

private:
  bool enter() { return ++depth_ <= limits::json_depth_max; }

  size_t depth_ = 0;
  size_t position_ = 0;
  std::string what_;
};

// The library's text without its own "[json.exception...] parse error at line 1, column 2: ".
std::string_view bare_reason(std::string_view what) {
  if (auto bracket = what.find("] "); bracket != std::string_view::npos)
    what.remove_prefix(bracket + 2);
  if (what.starts_with("parse error at"))
    if (auto colon = what.find(": "); colon != std::string_view::npos)
      what.remove_prefix(colon + 2);
  return what;
}

caf::error json_error(std::string_view text, size_t position, std::string_view why) {
  // The position counts the byte that was read last.
  auto before = text.substr(0, position == 0 ? 0 : position - 1);
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  auto newline = before.rfind('\n');
  auto column = newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return make_error(ec::bad_json, fmt::format("line {}, column {}: {}", line, column, why));
}

std::string full_path(const json_where& where, std::string_view path) {
  std::string full{where.prefix};
  if (!full.empty() && !path.empty())
    full += '.';
  full += path;
  return full.empty() ? "the document" : full;
}

caf::error missing(const json_where& where, std::string_view path, std::string_view wanted) {
  return make_error(where.code,
                    fmt::format("{}: missing; it must be {}", full_path(where, path), wanted));
}

caf::error mismatch(const json_where& where, std::string_view path, std::string_view wanted,
                    const json& found) {
  auto text = dump(found);
  if (text.size() > 60)
    text = text.substr(0, 60) + "...";
  return make_error(where.code, fmt::format("{}: must be {}, found {} ({})", full_path(where, path),
                                            wanted, json_type_name(found), text));
}

caf::expected<int64_t> to_int(const json& value, std::string_view path, const json_where& where) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{INT64_MAX})
    return mismatch(where, path, "an integer below 2^63", value);
  if (!value.is_number_integer())
    return mismatch(where, path, "an integer", value);
  return value.get<int64_t>();
}

caf::expected<double> to_double(const json& value, std::string_view path, const json_where& where) {
  if (!value.is_number())
    return mismatch(where, path, "a number", value);
  return value.get<double>();
}

caf::expected<bool> to_bool(const json& value, std::string_view path, const json_where& where) {
  if (!value.is_boolean())
    return mismatch(where, path, "true or false", value);
  return value.get<bool>();
}

caf::expected<std::string> to_text(const json& value, std::string_view path,
                                   const json_where& where) {
  if (!value.is_string())
    return mismatch(where, path, "a string", value);
  return value.get_ref<const std::string&>();
}

// What a byte costs the string writer: 0 passes, 1 needs an escape, 2 starts or continues UTF-8.
constexpr std::array<uint8_t, 256> byte_classes = [] {
  std::array<uint8_t, 256> classes{};
  for (size_t i = 0; i < 256; ++i)
    classes[i] = i >= 0x80 ? 2 : i < 0x20 || i == '"' || i == '\\' ? 1 : 0;
  return classes;
}();

void append_escape(std::string& out, char c) {
  switch (c) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\b':
    out += "\\b";
    return;
  case '\f':
    out += "\\f";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  default: {
    constexpr std::string_view digits = "0123456789abcdef";
    auto byte = static_cast<uint8_t>(c);
    out += "\\u00";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  }
}

} // namespace

caf::expected<json> parse_json(std::string_view text) {
  json root;
  reader sax{root};
  if (json::sax_parse(text.begin(), text.end(), &sax))
    return root;
  if (sax.too_deep())
    return make_error(ec::bad_json, fmt::format("values are nested deeper than {} levels",
                                                limits::json_depth_max));
  return json_error(text, sax.position(), bare_reason(sax.what()));
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string dump_pretty(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  size_t copied = 0; // text[0, copied) is in `out`
  size_t at = 0;
  while (at < text.size()) {
    auto kind = byte_classes[static_cast<uint8_t>(text[at])];
    if (kind == 0) {
      ++at;
      continue;
    }
    auto step = kind == 2 ? next_utf8(text.substr(at)) : utf8_step{1, false};
    if (!step.valid) {
      out.append(text, copied, at - copied);
      if (kind == 1)
        append_escape(out, text[at]);
      else
        out += "\xEF\xBF\xBD";
      copied = at + step.length;
    }
    at += step.length;
  }
  out.append(text, copied, text.size() - copied);
  out += '"';
}

const json* find_json(const json& at, std::string_view path) {
  auto found = &at;
  while (!path.empty()) {
    auto dot = path.find('.');
    auto key = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (found->is_object()) {
      auto member = found->find(key);
      if (member == found->end())
        return nullptr;
      found = &*member;
    } else if (found->is_array()) {
      size_t index = 0;
      auto end = key.data() + key.size();
      auto [stop, failure] = std::from_chars(key.data(), end, index);
      if (failure != std::errc{} || stop != end || index >= found->size())
        return nullptr;
      found = &(*found)[index];
    } else {
      return nullptr;
    }
  }
  return found;
}

std::string_view json_type_name(const json& value) {
  switch (value.type()) {
  case json::value_t::null:
    return "null";
  case json::value_t::object:
    return "an object";
  case json::value_t::array:
    return "an array";
  case json::value_t::string:
    return "a string";
  case json::value_t::boolean:
    return "a boolean";
  case json::value_t::number_integer:
  case json::value_t::number_unsigned:
    return "an integer";
  case json::value_t::number_float:
    return "a number";
  default:
    return "a value that JSON cannot hold";
  }
}

caf::expected<int64_t> get_int(const json& at, std::string_view path, json_where where) {
  auto value = find_json(at, path);
  return value ? to_int(*value, path, where) : missing(where, path, "an integer");
}

caf::expected<double> get_double(const json& at, std::string_view path, json_where where) {
  auto value = find_json(at, path);
  return value ? to_double(*value, path, where) : missing(where, path, "a number");
}

caf::expected<bool> get_bool(const json& at, std::string_view path, json_where where) {
  auto value = find_json(at, path);
  return value ? to_bool(*value, path, where) : missing(where, path, "true or false");
}

caf::expected<std::string> get_string(const json& at, std::string_view path, json_where where) {
  auto value = find_json(at, path);
  return value ? to_text(*value, path, where) : missing(where, path, "a string");
}

caf::expected<const json*> get_array(const json& at, std::string_view path, json_where where) {
  auto value = find_json(at, path);
  if (!value)
    return missing(where, path, "an array");
  if (!value->is_array())
    return mismatch(where, path, "an array", *value);
  return value;
}

caf::expected<const json*> get_object(const json& at, std::string_view path, json_where where) {
  auto value = find_json(at, path);
  if (!value)
    return missing(where, path, "an object");
  if (!value->is_object())
    return mismatch(where, path, "an object", *value);
  return value;
}

caf::expected<int64_t> get_int_or(const json& at, std::string_view path, int64_t fallback,
                                  json_where where) {
  auto value = find_json(at, path);
  return value ? to_int(*value, path, where) : caf::expected<int64_t>{fallback};
}

caf::expected<double> get_double_or(const json& at, std::string_view path, double fallback,
                                    json_where where) {
  auto value = find_json(at, path);
  return value ? to_double(*value, path, where) : caf::expected<double>{fallback};
}

caf::expected<bool> get_bool_or(const json& at, std::string_view path, bool fallback,
                                json_where where) {
  auto value = find_json(at, path);
  return value ? to_bool(*value, path, where) : caf::expected<bool>{fallback};
}

caf::expected<std::string> get_string_or(const json& at, std::string_view path,
                                         std::string_view fallback, json_where where) {
  auto value = find_json(at, path);
  return value ? to_text(*value, path, where) : caf::expected<std::string>{std::string{fallback}};
}

} // namespace hactor
