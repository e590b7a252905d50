// See config.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/config.hpp"

#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "runtime/duration.hpp"
#include "runtime/near.hpp"

namespace hactor {

namespace {

template <class T>
std::optional<T> read_number(std::string_view text) {
  T value{};
  auto end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (text.empty() || failure != std::errc{} || stop != end)
    return std::nullopt;
  return value;
}

std::optional<bool> read_flag(std::string_view text) {
  for (std::string_view yes : {"true", "yes", "on", "1"})
    if (text == yes)
      return true;
  for (std::string_view no : {"false", "no", "off", "0"})
    if (text == no)
      return false;
  return std::nullopt;
}

bool is_choice(std::string_view choices, std::string_view value) {
  for (;;) {
    auto bar = choices.find('|');
    if (choices.substr(0, bar) == value)
      return true;
    if (bar == std::string_view::npos)
      return false;
    choices.remove_prefix(bar + 1);
  }
}

// "an integer from 1 to 16384"
std::string bounded(std::string_view kind, const attribute& row) {
  std::string text{kind};
  if (std::isfinite(row.minimum))
    text += fmt::format(" from {:.10g}", row.minimum);
  if (std::isfinite(row.maximum))
    text += fmt::format(" to {:.10g}", row.maximum);
  return text;
}

bool in_bounds(const attribute& row, double value) {
  return value >= row.minimum && value <= row.maximum;
}

// What the value must be, when it is not; "" when it is.
std::string complaint(const attribute& row, std::string_view value) {
  switch (row.type) {
  case attribute_type::text:
    return {};
  case attribute_type::integer: {
    auto number = read_number<int64_t>(value);
    if (number && in_bounds(row, static_cast<double>(*number)))
      return {};
    return bounded("an integer", row);
  }
  case attribute_type::number: {
    auto number = read_number<double>(value);
    if (number && std::isfinite(*number) && in_bounds(row, *number))
      return {};
    return bounded("a number", row);
  }
  case attribute_type::flag:
    return read_flag(value) ? "" : "true or false";
  case attribute_type::duration: {
    auto seconds = parse_fsd(value);
    if (seconds && in_bounds(row, *seconds))
      return {};
    return bounded("a duration such as 5s, 250ms or 2m", row);
  }
  case attribute_type::choice:
    return is_choice(row.choices, value) ? "" : fmt::format("one of {}", row.choices);
  }
  return {};
}

std::string near_attributes(std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& row : attribute_table())
    names.push_back(row.name);
  return did_you_mean(name, names);
}

const attribute& row_of(std::string_view name) {
  auto row = find_attribute(name);
  HACTOR_CHECK(row != nullptr);
  return *row;
}

} // namespace

caf::error config::set(std::string_view name, std::string_view value) {
  auto row = find_attribute(name);
  if (!row)
    return make_error(ec::bad_argument,
                      fmt::format("there is no attribute '{}'{}", name, near_attributes(name)));
  if (row->read_only)
    return make_error(ec::not_permitted,
                      fmt::format("attribute {} is read-only: the broker sets it", name));
  if (auto wanted = complaint(*row, value); !wanted.empty())
    return make_error(ec::bad_argument,
                      fmt::format("attribute {}: '{}' must be {}", name, value, wanted));
  values_.insert_or_assign(std::string{name}, std::string{value});
  return caf::none;
}

caf::error config::set_item(std::string_view item) {
  auto equals = item.find('=');
  if (equals != std::string_view::npos)
    return set(item.substr(0, equals), item.substr(equals + 1));
  auto row = find_attribute(item);
  if (row && row->type != attribute_type::flag)
    return make_error(ec::bad_argument,
                      fmt::format("attribute {} needs a value: {}=VALUE", item, item));
  return set(item, "true");
}

void config::fix(std::string_view name, std::string_view value) {
  HACTOR_CHECK(complaint(row_of(name), value).empty());
  values_.insert_or_assign(std::string{name}, std::string{value});
}

caf::expected<std::string> config::get(std::string_view name) const {
  auto row = find_attribute(name);
  if (!row)
    return make_error(ec::unknown_key,
                      fmt::format("there is no attribute '{}'{}", name, near_attributes(name)));
  return std::string{value_of(*row)};
}

std::string config::text(std::string_view name) const {
  return std::string{value_of(row_of(name))};
}

int64_t config::integer(std::string_view name) const {
  const auto& row = row_of(name);
  HACTOR_CHECK(row.type == attribute_type::integer);
  return read_number<int64_t>(value_of(row)).value();
}

double config::number(std::string_view name) const {
  const auto& row = row_of(name);
  HACTOR_CHECK(row.type == attribute_type::number || row.type == attribute_type::integer);
  return read_number<double>(value_of(row)).value();
}

bool config::flag(std::string_view name) const {
  const auto& row = row_of(name);
  HACTOR_CHECK(row.type == attribute_type::flag);
  return read_flag(value_of(row)).value();
}

double config::duration_s(std::string_view name) const {
  const auto& row = row_of(name);
  HACTOR_CHECK(row.type == attribute_type::duration);
  return *parse_fsd(value_of(row));
}

std::vector<config_entry> config::list() const {
  std::vector<config_entry> entries;
  for (const auto& row : attribute_table()) {
    config_entry entry;
    entry.name = row.name;
    entry.value = value_of(row);
    entry.default_value = row.default_value;
    entry.meaning = row.meaning;
    entry.is_default = entry.value == entry.default_value;
    entry.read_only = row.read_only;
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string_view config::value_of(const attribute& row) const {
  auto value = values_.find(row.name);
  return value == values_.end() ? row.default_value : std::string_view{value->second};
}

} // namespace hactor
