// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/templates.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

namespace hactor {

namespace {

std::string user_name() {
  char buffer[4096];
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr)
    return found->pw_name;
  return std::to_string(::getuid());
}

/// The value of a name in {{ }}; nothing for an unknown one.
std::optional<std::string> value_of(std::string_view name, const template_values& v) {
  if (name == "id" || name == "jobid")
    return v.id;
  if (name.starts_with("id.") || name.starts_with("jobid.")) {
    auto id = parse_job_id(v.id);
    auto form = parse_id_form(name.substr(name.find('.') + 1));
    if (!form)
      return std::nullopt;
    // The form that is printed everywhere is plain ASCII.
    return !id || *form == id_form::f58 ? v.id : format_job_id(*id, *form);
  }
  if (name == "name")
    return v.name;
  if (name == "size" || name == "ntasks")
    return std::to_string(v.size);
  if (name == "nnodes")
    return std::to_string(v.nnodes);
  if (name == "taskid" || name == "task.id" || name == "task.rank")
    return std::to_string(v.task);
  if (name == "task.index" || name == "task.localid")
    return std::to_string(v.local);
  if (name == "nodeid" || name == "node.id" || name == "node.index")
    return std::to_string(v.node);
  if (name == "node.name")
    return v.host;
  if (name == "tmpdir")
    return v.tmpdir;
  if (name == "attempt")
    return std::to_string(v.attempt);
  if (name == "array.id")
    return v.array.empty() ? v.id : v.array;
  if (name == "array.index" && v.cc >= 0)
    return std::to_string(v.cc);
  return std::nullopt;
}

struct filled {
  std::string value;
  size_t size = 0; // of its place in the template
};

std::optional<filled> tag_at(std::string_view rest, const template_values& v) {
  auto end = rest.find("}}");
  if (!rest.starts_with("{{") || end == rest.npos)
    return std::nullopt;
  auto value = value_of(rest.substr(2, end - 2), v);
  return value ? std::optional{filled{std::move(*value), end + 2}} : std::nullopt;
}

std::optional<filled> percent_at(std::string_view rest, const template_values& v) {
  if (!rest.starts_with('%'))
    return std::nullopt;
  size_t at = 1, width = 0;
  for (; at < rest.size() && rest[at] >= '0' && rest[at] <= '9' && width <= 10; ++at)
    width = width * 10 + static_cast<size_t>(rest[at] - '0');
  if (at == rest.size() || width > 10) // Slurm has no more either
    return std::nullopt;
  auto number = [&](int64_t n) {
    return filled{n < 0 ? std::to_string(n) : fmt::format("{:0{}}", n, width), at + 1};
  };
  auto text = [&](const std::string& value) { return filled{value, at + 1}; };
  switch (rest[at]) {
  case 'j':
    return text(v.id);
  case 'A':
    return text(v.array.empty() ? v.id : v.array);
  case 'x':
    return text(v.name);
  case 't':
    return number(v.task);
  case 'n':
    return number(v.node);
  case 'N':
    return text(v.host);
  case 'a':
    return number(v.cc);
  case 'u':
    return text(user_name());
  case '%':
    return width == 0 ? std::optional{text("%")} : std::nullopt;
  default:
    return std::nullopt;
  }
}

/// One way through: what a value holds is not looked at again.
template <class At>
std::string fill(std::string_view text, const At& at) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (auto found = at(text.substr(i))) {
      out += found->value;
      i += found->size;
    } else {
      out += text[i++];
    }
  }
  return out;
}

} // namespace

std::string fill_template(const std::string& text, const template_values& v) {
  return fill(text, [&v](std::string_view rest) {
    auto found = tag_at(rest, v);
    if (!found)
      found = percent_at(rest, v);
    if (auto place = found || v.cc < 0 ? std::nullopt : cc_place_at(rest))
      found = filled{std::to_string(v.cc + place->offset), place->size};
    return found;
  });
}

std::optional<cc_place> cc_place_at(std::string_view text) {
  constexpr std::string_view begin = "{cc";
  if (!text.starts_with(begin) || text.size() == begin.size())
    return std::nullopt;
  auto sign = text[begin.size()];
  if (sign == '}')
    return cc_place{begin.size() + 1, 0};
  auto end = text.find('}', begin.size());
  if (end == text.npos || (sign != '+' && sign != '-'))
    return std::nullopt;
  uint32_t n = 0;
  auto* last = text.data() + end;
  auto [read, code] = std::from_chars(text.data() + begin.size() + 1, last, n);
  if (code != std::errc{} || read != last)
    return std::nullopt;
  return cc_place{end + 1, sign == '+' ? int64_t{n} : -int64_t{n}};
}

bool has_cc_place(std::string_view text) {
  for (auto at = text.find("{cc"); at != text.npos; at = text.find("{cc", at + 1))
    if (cc_place_at(text.substr(at)))
      return true;
  return false;
}

std::string fill_tags(const std::string& text, const template_values& v) {
  return fill(text, [&v](std::string_view rest) { return tag_at(rest, v); });
}

bool names_task(const std::string& text) {
  template_values one, other;
  one.task = 1;
  other.task = 2;
  other.local = 1;
  return fill_template(text, one) != fill_template(text, other);
}

bool names_node(const std::string& text) {
  template_values one, other;
  other.node = 1;
  other.host = "x";
  return names_task(text) || fill_template(text, one) != fill_template(text, other);
}

} // namespace hactor
