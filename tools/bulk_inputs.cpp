// See bulk_inputs.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/bulk_inputs.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "tools/expression.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

void cut(std::string_view text, const std::string& separator, std::vector<std::string>& to) {
  if (separator == "none") {
    while (true) {
      auto begin = text.find_first_not_of(" \t\r\n");
      if (begin == text.npos)
        return;
      text.remove_prefix(begin);
      auto end = std::min(text.find_first_of(" \t\r\n"), text.size());
      to.emplace_back(text.substr(0, end));
      text.remove_prefix(end);
    }
  }
  if (text.ends_with(separator))
    text.remove_suffix(separator.size());
  else if (text.ends_with('\n'))
    text.remove_suffix(1); // the file's last line ends
  if (text.empty())
    return;
  for (size_t start = 0; start <= text.size();) {
    auto end = std::min(text.find(separator, start), text.size());
    to.emplace_back(text.substr(start, end - start));
    start = end + separator.size();
  }
}

/// What stands between braces: {INDEX.PART}, {seq}.
struct field {
  std::string_view index, part;
  bool has_part = false;
};

/// The field with which the text begins, and its size; nothing when it is none of ours.
std::optional<std::pair<field, size_t>> field_at(std::string_view text) {
  auto end = text.find('}');
  if (end == text.npos)
    return std::nullopt;
  auto inner = text.substr(1, end - 1);
  auto dot = inner.find('.');
  field f{inner.substr(0, dot), dot == inner.npos ? "" : inner.substr(dot + 1), dot != inner.npos};
  auto digits = f.index.find_first_not_of("0123456789") == f.index.npos;
  auto is_name = [](std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_';
    });
  };
  auto is_part =
      f.part == "%" || f.part == "/" || f.part == "/%" || f.part == "//" || is_name(f.part);
  if (!f.has_part ? digits || inner == "seq" || inner == "seq1" : digits && is_part)
    return std::pair{f, end + 1};
  return std::nullopt;
}

/// Where the next field is; npos: nowhere. What belongs to others is stepped over: "{{id}}",
/// "${1}".
size_t next_field(std::string_view text, size_t at) {
  for (at = text.find('{', at); at != text.npos; at = text.find('{', at)) {
    if (text.substr(at).starts_with("{{")) {
      auto end = text.find("}}", at);
      at = end == text.npos ? text.size() : end + 2;
    } else if ((at > 0 && text[at - 1] == '$') || !field_at(text.substr(at))) {
      ++at;
    } else {
      return at;
    }
  }
  return text.npos;
}

std::string part_of(std::string_view input, std::string_view part) {
  auto slash = input.rfind('/');
  auto base = input.substr(slash == input.npos ? 0 : slash + 1);
  if (part == "//")
    return std::string{slash == input.npos ? "" : input.substr(0, slash)};
  auto whole = part == "%" ? input : base;
  if (part == "/")
    return std::string{base};
  auto point = base.rfind('.');
  if (point == base.npos || point == 0) // a name like ".profile" has none
    return std::string{whole};
  return std::string{whole.substr(0, whole.size() - (base.size() - point))};
}

} // namespace

uint64_t bulk_inputs::count() const {
  constexpr uint64_t much = uint64_t{1} << 40;
  uint64_t n = lists.empty() ? 0 : 1;
  for (auto& list : lists)
    if (!list.linked)
      n = n > much / list.values.size() ? much : n * list.values.size();
  return n;
}

void bulk_inputs::pick(uint64_t index, std::vector<std::string_view>& to) const {
  to.resize(lists.size());
  uint64_t place = 0;
  for (auto i = lists.size(); i-- > 0;) {
    auto size = lists[i].values.size();
    if (lists[i].linked)
      continue;
    place = index % size;
    index /= size;
    to[i] = lists[i].values[place];
    for (auto k = i + 1; k < lists.size() && lists[k].linked; ++k)
      to[k] = lists[k].values[place % lists[k].values.size()];
  }
}

caf::expected<bulk_inputs>
read_inputs(const std::vector<std::string>& operands, const std::string& separator,
            const std::function<caf::expected<std::string>(const std::string&)>& read) {
  if (separator.empty())
    return bad("--sep: must not be empty; 'none' cuts at blanks");
  bulk_inputs result;
  auto is_mark = [](const std::string& word) {
    return word == ":::" || word == ":::+" || word == "::::" || word == "::::+";
  };
  size_t i = 0;
  for (; i < operands.size() && !is_mark(operands[i]); ++i)
    result.command.push_back(operands[i]);
  while (i < operands.size()) {
    auto& mark = operands[i++];
    input_list list;
    list.linked = mark.ends_with('+');
    for (; i < operands.size() && !is_mark(operands[i]); ++i) {
      if (!mark.starts_with("::::")) {
        list.values.push_back(operands[i]);
        continue;
      }
      auto text = read(operands[i]);
      if (!text)
        return std::move(text.error());
      cut(*text, separator, list.values);
    }
    if (list.linked && result.lists.empty())
      return bad("'" + mark + "' links its values with those of a list before it");
    if (list.values.empty())
      return bad("no values after '" + mark + "'");
    result.lists.push_back(std::move(list));
  }
  if (result.lists.empty()) {
    auto text = read("-");
    if (!text)
      return std::move(text.error());
    result.lists.emplace_back();
    cut(*text, separator, result.lists.back().values);
    if (result.lists.back().values.empty())
      return bad("standard input is empty; inputs stand there, or after ':::'");
  }
  return result;
}

caf::error bulk_template::define(const std::string& text) {
  auto equals = text.find('=');
  if (equals == text.npos || equals == 0)
    return bad("--define: '" + text + "' is not NAME=CODE, e.g. p2='2**int(x)'");
  auto name = text.substr(0, equals);
  if (!field_at("{." + name + "}"))
    return bad("--define: '" + name + "' is no name of letters and digits");
  defined_[name] = text.substr(equals + 1);
  return {};
}

bool bulk_template::has_fields(std::string_view text) { return next_field(text, 0) != text.npos; }

caf::expected<std::string> bulk_template::fill(std::string_view text,
                                               const std::vector<std::string_view>& inputs,
                                               uint64_t sequence) const {
  std::string out;
  size_t done = 0, unnumbered = 0;
  for (auto at = next_field(text, 0); at != text.npos; at = next_field(text, done)) {
    out += text.substr(done, at - done);
    auto [f, size] = *field_at(text.substr(at));
    auto said = text.substr(at, size);
    done = at + size;
    if (f.index.starts_with("seq")) {
      out += std::to_string(sequence + (f.index == "seq1"));
      continue;
    }
    size_t index = unnumbered;
    if (f.index.empty())
      unnumbered += inputs.size() > 1; // of a single list it is always that one
    else
      std::from_chars(f.index.data(), f.index.data() + f.index.size(), index);
    if (index >= inputs.size())
      return bad("'" + std::string{said} + "': there " + (inputs.size() == 1 ? "is" : "are") + " "
                 + std::to_string(inputs.size()) + " input lists, counted from 0");
    auto defined = defined_.find(f.part);
    if (!f.has_part) {
      out += inputs[index];
    } else if (defined != defined_.end()) {
      auto value = evaluate(defined->second, std::string{inputs[index]});
      if (!value)
        return bad("--define=" + defined->first + ": " + context_of(value.error()));
      out += *value;
    } else if (f.part.find_first_of("%/") == f.part.npos) {
      return bad("'" + std::string{said} + "': no --define says what '" + std::string{f.part}
                 + "' is");
    } else {
      out += part_of(inputs[index], f.part);
    }
  }
  return out += text.substr(done);
}

} // namespace hactor::tools
