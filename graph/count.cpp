// See count.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/count.hpp"

#include <charconv>

#include <fmt/format.h>

namespace hactor {

namespace {

constexpr std::string_view wanted = "must be a positive integer, range or idset";

/// Takes a decimal without leading zeros off the front of `text`.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t x = 0;
  auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), x);
  auto digits = static_cast<size_t>(end - text.data());
  if (err != std::errc{} || (text[0] == '0' && digits > 1))
    return std::nullopt;
  text.remove_prefix(digits);
  return x;
}

bool is_valid(const count_range& x) {
  return x.min >= 1 && x.min <= count_max && (x.max == 0 || x.max >= x.min) && x.max <= count_max
         && x.operand >= (x.op == '+' ? 1u : 2u) && x.operand <= count_max
         && (x.op != '^' || x.min >= 2);
}

/// A range that holds only one number is that number.
count_spec simplest(const count_range& x) {
  if (x.max == x.min)
    return x.min;
  return x;
}

std::optional<count_spec> parse_range_text(std::string_view text) {
  count_range x;
  auto min = take_number(text);
  if (!min || text.empty())
    return std::nullopt;
  x.min = *min;
  bool open_end = text[0] == '+';
  if (!open_end && text[0] != '-')
    return std::nullopt;
  text.remove_prefix(1);
  if (!open_end) {
    auto max = take_number(text);
    if (!max || *max == 0)
      return std::nullopt;
    x.max = *max;
  }
  if (!text.empty() && text[0] == ':') {
    text.remove_prefix(1);
    auto operand = take_number(text);
    if (!operand)
      return std::nullopt;
    x.operand = *operand;
    if (!text.empty()) {
      if (text.size() != 2 || text[0] != ':'
          || std::string_view("+*^").find(text[1]) == std::string_view::npos)
        return std::nullopt;
      x.op = text[1];
      text = {};
    }
  }
  if (!text.empty() || !is_valid(x))
    return std::nullopt;
  return simplest(x);
}

/// Nothing left if `x` would exceed `bound`.
std::optional<uint64_t> step(const count_range& range, uint64_t x, uint64_t bound) {
  if (range.op == '*')
    return x <= bound / range.operand ? std::optional(x * range.operand) : std::nullopt;
  uint64_t power = 1;
  for (uint64_t i = 0; i < range.operand; ++i) {
    if (power > bound / x)
      return std::nullopt;
    power *= x;
  }
  return power;
}

std::optional<uint64_t> member(const json& value, const char* key) {
  auto i = value.find(key);
  if (i == value.end() || !i->is_number_unsigned())
    return std::nullopt;
  return i->get<uint64_t>();
}

caf::error bad(const std::string& path, std::string_view what, const json& found) {
  return make_error(ec::bad_jobspec, fmt::format("{}: {}, found {}", path, what, brief(found)));
}

caf::expected<count_spec> parse_mapping(const json& value, const std::string& path) {
  for (const auto& [key, x] : value.items())
    if (key != "min" && key != "max" && key != "operator" && key != "operand")
      return make_error(ec::bad_jobspec, fmt::format("{}.{}: unknown key; a range has min, max, "
                                                     "operator and operand",
                                                     path, key));
  count_range range;
  if (!value.contains("min"))
    return make_error(ec::bad_jobspec,
                      fmt::format("{}.min: missing; must be a positive integer", path));
  for (auto [key, field] : {std::pair{"min", &range.min}, std::pair{"max", &range.max},
                            std::pair{"operand", &range.operand}}) {
    if (!value.contains(key))
      continue;
    auto x = member(value, key);
    if (!x || *x == 0 || *x > count_max)
      return bad(fmt::format("{}.{}", path, key), "must be a positive integer", value[key]);
    *field = *x;
  }
  if (range.max != 0 && range.max < range.min)
    return bad(path + ".max", fmt::format("must be at least min ({})", range.min), value["max"]);
  if (value.contains("operator") != value.contains("operand"))
    return make_error(ec::bad_jobspec,
                      fmt::format("{}: operator and operand come together or not at all", path));
  if (value.contains("operator")) {
    const auto& op = value["operator"];
    if (!op.is_string() || (op != "+" && op != "*" && op != "^"))
      return bad(path + ".operator", "must be \"+\", \"*\" or \"^\"", op);
    range.op = op.get<std::string>()[0];
  }
  if (range.op != '+' && range.operand < 2)
    return bad(path + ".operand", "must be at least 2 with \"*\" and \"^\"", value["operand"]);
  if (range.op == '^' && range.min < 2)
    return bad(path + ".min", "must be at least 2 with \"^\"", value["min"]);
  return simplest(range);
}

} // namespace

std::optional<count_spec> parse_count_text(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
    text = text.substr(1, text.size() - 2);
  if (auto range = parse_range_text(text))
    return range;
  auto set = idset::parse(text);
  if (!set || set->empty() || set->contains(0))
    return std::nullopt;
  // What is one run is a range: "1,2,3" and "1-3" are the same count.
  if (set->runs().size() == 1)
    return simplest({set->runs()[0].first, set->runs()[0].last, '+', 1});
  return count_spec{std::move(*set)};
}

caf::expected<count_spec> parse_count(const json& value, const std::string& path) {
  if (value.is_number_unsigned()) {
    auto x = value.get<uint64_t>();
    if (x == 0 || x > count_max)
      return bad(path, fmt::format("{} (at most {})", wanted, count_max), value);
    return count_spec{x};
  }
  if (value.is_object())
    return parse_mapping(value, path);
  if (value.is_string())
    if (auto count = parse_count_text(value.get_ref<const std::string&>()))
      return *count;
  return bad(path, wanted, value);
}

json to_json(const count_spec& count) {
  if (auto x = std::get_if<uint64_t>(&count))
    return *x;
  if (auto x = std::get_if<idset>(&count))
    return x->to_string();
  const auto& range = std::get<count_range>(count);
  json result{{"min", range.min}};
  if (range.max != 0)
    result["max"] = range.max;
  if (range.op != '+' || range.operand != 1) {
    result["operator"] = std::string(1, range.op);
    result["operand"] = range.operand;
  }
  return result;
}

std::string to_string(const count_spec& count) {
  if (auto x = std::get_if<uint64_t>(&count))
    return std::to_string(*x);
  if (auto x = std::get_if<idset>(&count))
    return x->to_string();
  const auto& range = std::get<count_range>(count);
  auto text =
      range.max == 0 ? fmt::format("{}+", range.min) : fmt::format("{}-{}", range.min, range.max);
  if (range.op != '+' || range.operand != 1)
    text += fmt::format(":{}", range.operand);
  if (range.op != '+')
    text += fmt::format(":{}", range.op);
  return text;
}

uint64_t least(const count_spec& count) {
  if (auto x = std::get_if<uint64_t>(&count))
    return *x;
  if (auto x = std::get_if<idset>(&count))
    return x->first();
  return std::get<count_range>(count).min;
}

std::optional<uint64_t> largest_within(const count_spec& count, uint64_t available) {
  if (available < least(count))
    return std::nullopt;
  if (auto x = std::get_if<uint64_t>(&count))
    return *x;
  if (auto x = std::get_if<idset>(&count)) {
    uint64_t best = x->first();
    for (const auto& run : x->runs())
      if (run.first <= available)
        best = std::min<uint64_t>(run.last, available);
    return best;
  }
  const auto& range = std::get<count_range>(count);
  auto bound = range.max == 0 ? available : std::min(available, range.max);
  if (range.op == '+')
    return range.min + (bound - range.min) / range.operand * range.operand;
  auto best = range.min;
  // With '*' and min >= 1, operand >= 2, and with '^' and min >= 2, every step at least doubles.
  while (auto next = step(range, best, bound))
    best = *next;
  return best;
}

std::optional<uint64_t> exact(const count_spec& count) {
  if (auto x = std::get_if<uint64_t>(&count))
    return *x;
  if (auto x = std::get_if<idset>(&count))
    return x->size() == 1 ? std::optional<uint64_t>(x->first()) : std::nullopt;
  const auto& range = std::get<count_range>(count);
  if (range.max != 0 && largest_within(count, range.max) == range.min)
    return range.min;
  return std::nullopt;
}

} // namespace hactor
