// Reads and writes hostlists; see hostlist.hpp. Reading counts before it expands, so that a short
// text cannot ask for much memory.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/hostlist.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "runtime/limits.hpp"

namespace hactor {

namespace {

// Ids with more digits are read as errors and written as text; 18 digits always fit in 64 bits.
constexpr size_t id_digits_max = 18;

struct host_run {
  uint64_t first = 0;
  uint64_t last = 0;
};

// prefix[runs]suffix; without brackets all is prefix and there is no run.
struct expression {
  std::string_view prefix;
  std::string_view suffix;
  std::vector<host_run> runs;
  size_t width = 0; // zero padding
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string fail_text(std::string_view text, std::string_view why) {
  return fmt::format("'{}' is not a hostlist: {}; right are e.g. node[0-15,20], a,b,c",
                     text.substr(0, 80), why);
}

// Reads digits off the front; nullopt when there are none or too many.
std::optional<uint64_t> read_id(std::string_view& text) {
  size_t count = 0;
  while (count < text.size() && is_digit(text[count]))
    ++count;
  if (count == 0 || count > id_digits_max)
    return std::nullopt;
  uint64_t id = 0;
  std::from_chars(text.data(), text.data() + count, id);
  text.remove_prefix(count);
  return id;
}

// Reads what stands between the brackets; returns what is wrong, or "".
std::string_view read_runs(std::string_view text, expression& e) {
  // Only the leading zeros of the first id count (RFC 29).
  if (text.starts_with('0'))
    e.width = std::min(text.find_first_not_of("0123456789"), text.size());
  for (;;) {
    auto first = read_id(text);
    if (!first)
      return "a number is missing or too long";
    host_run run{*first, *first};
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      auto last = read_id(text);
      if (!last)
        return "a number is missing or too long";
      if (*last < *first)
        return "a run must go up";
      run.last = *last;
    }
    e.runs.push_back(run);
    if (text.empty())
      return {};
    if (text[0] != ',')
      return "only numbers, commas and '-' may stand in brackets";
    text.remove_prefix(1);
  }
}

// Takes one expression and the comma after it off the front; returns what is wrong, or "".
std::string_view read_expression(std::string_view& text, expression& e) {
  size_t at = 0;
  std::optional<size_t> open, close;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c <= ' ' || c > '~')
      return "a blank or unprintable character";
    if (c == '[') {
      if (open)
        return "more than one pair of brackets in a name";
      open = at;
    } else if (c == ']') {
      if (!open || close)
        return "a ']' without '['";
      close = at;
    } else if (c == ',' && (!open || close)) {
      break;
    }
  }
  if (at == 0)
    return "a name is missing";
  if (open && !close)
    return "a '[' without ']'";
  e.prefix = text.substr(0, open.value_or(at));
  if (open) {
    e.suffix = text.substr(*close + 1, at - *close - 1);
    if (auto why = read_runs(text.substr(*open + 1, *close - *open - 1), e); !why.empty())
      return why;
  }
  bool comma = at < text.size();
  text.remove_prefix(at);
  if (comma) {
    text.remove_prefix(1);
    if (text.empty())
      return "a name is missing after the last comma";
  }
  return {};
}

// Hosts the expression stands for, at most one more than the limit.
size_t host_count(const expression& e) {
  if (e.runs.empty())
    return 1;
  size_t count = 0;
  for (const auto& run : e.runs) {
    auto size = run.last - run.first + 1;
    count += std::min<uint64_t>(size, limits::hostlist_hosts_max + 1);
    if (count > limits::hostlist_hosts_max)
      break;
  }
  return count;
}

// Bytes of the longest name that the expression stands for.
size_t name_bytes_max(const expression& e) {
  size_t digits = 0;
  for (const auto& run : e.runs)
    digits = std::max({digits, e.width, fmt::formatted_size("{}", run.last)});
  return e.prefix.size() + digits + e.suffix.size();
}

void expand(const expression& e, std::vector<std::string>& hosts) {
  if (e.runs.empty()) {
    hosts.emplace_back(e.prefix);
    return;
  }
  for (const auto& run : e.runs)
    for (auto id = run.first; id <= run.last; ++id)
      hosts.push_back(fmt::format("{}{:0{}}{}", e.prefix, id, e.width, e.suffix));
}

// -- writing --------------------------------------------------------------------------------------

// A host seen as prefix, number, suffix.
struct split_host {
  std::string_view prefix;
  std::string_view digits;
  std::string_view suffix;
};

// Splits at the run of digits that ends before `end`, if it is not too long to be a number.
std::optional<split_host> split_before(std::string_view host, size_t end) {
  size_t begin = end;
  while (begin > 0 && is_digit(host[begin - 1]))
    --begin;
  if (begin == end || end - begin > id_digits_max)
    return std::nullopt;
  return split_host{host.substr(0, begin), host.substr(begin, end - begin), host.substr(end)};
}

// Splits at the last number.
std::optional<split_host> split_last(std::string_view host) {
  auto last = std::find_if(host.rbegin(), host.rend(), is_digit);
  return split_before(host, static_cast<size_t>(host.rend() - last));
}

// Splits `host` at the number in which it differs from `next`; at the last one if it is the same.
// The two need not fit together.
std::optional<split_host> split_against(std::string_view host, std::string_view next) {
  auto differ = std::mismatch(host.begin(), host.end(), next.begin(), next.end()).first;
  auto at = static_cast<size_t>(differ - host.begin());
  // Equal, or they differ from the end of a number on: "n1" and "n10", "n1-a" and "n10-a".
  if (at == host.size() || !is_digit(host[at])) {
    if (at > 0 && is_digit(host[at - 1]))
      return split_before(host, at);
    return split_last(host);
  }
  while (at < host.size() && is_digit(host[at]))
    ++at;
  return split_before(host, at);
}

// The number of `host` when it stands between this prefix and suffix and would be written the same
// way with this padding.
std::optional<uint64_t> number_between(std::string_view host, const split_host& around,
                                       size_t width) {
  auto edges = around.prefix.size() + around.suffix.size();
  if (host.size() <= edges || !host.starts_with(around.prefix) || !host.ends_with(around.suffix))
    return std::nullopt;
  auto digits = host.substr(around.prefix.size(), host.size() - edges);
  auto rest = digits;
  auto id = read_id(rest);
  if (!id || !rest.empty())
    return std::nullopt;
  bool padded = digits[0] == '0' && digits.size() > 1;
  if (padded ? digits.size() != width : digits.size() < width)
    return std::nullopt;
  return id;
}

void append_runs(std::string& out, const std::vector<uint64_t>& ids, size_t width) {
  for (size_t i = 0; i < ids.size();) {
    size_t end = i + 1;
    while (end < ids.size() && ids[end] == ids[end - 1] + 1)
      ++end;
    if (i > 0)
      out += ',';
    out += fmt::format("{:0{}}", ids[i], width);
    if (end - i > 1)
      out += fmt::format("-{:0{}}", ids[end - 1], width);
    i = end;
  }
}

// Appends the host at `at` with all that fold with it; returns the first that does not.
size_t append_folded(std::string& out, const std::vector<std::string>& hosts, size_t at) {
  std::optional<split_host> around;
  if (at + 1 < hosts.size())
    around = split_against(hosts[at], hosts[at + 1]);
  std::vector<uint64_t> ids;
  size_t width = 0;
  size_t end = at;
  if (around) {
    width = around->digits[0] == '0' ? around->digits.size() : 0;
    for (; end < hosts.size(); ++end) {
      auto id = number_between(hosts[end], *around, width);
      if (!id)
        break;
      ids.push_back(*id);
    }
  }
  if (ids.size() < 2) {
    out += hosts[at];
    return at + 1;
  }
  out += around->prefix;
  out += '[';
  append_runs(out, ids, width);
  out += ']';
  out += around->suffix;
  return end;
}

} // namespace

caf::expected<std::vector<std::string>> parse_hostlist(std::string_view text) {
  std::vector<std::string> hosts;
  auto rest = text;
  while (!rest.empty()) {
    expression e;
    if (auto why = read_expression(rest, e); !why.empty())
      return make_error(ec::bad_hostlist, fail_text(text, why));
    if (name_bytes_max(e) > limits::host_bytes_max)
      return make_error(ec::too_big, fail_text(text, fmt::format("a name is longer than {} bytes",
                                                                 limits::host_bytes_max)));
    if (hosts.size() + host_count(e) > limits::hostlist_hosts_max)
      return make_error(ec::too_big, fail_text(text, fmt::format("it has more than {} hosts",
                                                                 limits::hostlist_hosts_max)));
    expand(e, hosts);
  }
  return hosts;
}

std::string format_hostlist(const std::vector<std::string>& hosts) {
  std::string out;
  for (size_t at = 0; at < hosts.size();) {
    if (at > 0)
      out += ',';
    at = append_folded(out, hosts, at);
  }
  return out;
}

} // namespace hactor
