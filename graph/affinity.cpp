// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/affinity.hpp"

#include <fmt/format.h>

#include "runtime/limits.hpp"

namespace hactor {

namespace {

/// CPU and GPU numbers that a map may name; Linux is built for 8192 CPUs at most.
constexpr uint32_t number_max = 65535;

/// Reads a mask of hexadecimal digits, without its 0x. Nothing when it is none.
idset read_mask(std::string_view digits) {
  idset set;
  uint32_t bit = 0;
  for (auto i = digits.size(); i > 0; --i, bit += 4) {
    auto c = digits[i - 1];
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (value < 0 || bit > number_max)
      return {};
    for (uint32_t k = 0; k < 4; ++k)
      if ((value >> k & 1) != 0)
        set.add(bit + k);
  }
  return set;
}

caf::expected<std::vector<idset>> read_map(std::string_view text) {
  std::vector<idset> map;
  for (size_t start = 0; start <= text.size();) {
    auto end = std::min(text.find(';', start), text.size());
    auto word = text.substr(start, end - start);
    auto set = word.starts_with("0x") ? caf::expected<idset>{read_mask(word.substr(2))}
                                      : idset::parse(word);
    if (!set || set->empty() || set->last() > number_max)
      return make_error(
          ec::bad_argument,
          fmt::format("\"{}\" in the map is no set of numbers like 0-3,8 or 0xff", word));
    map.push_back(std::move(*set));
    start = end + 1;
  }
  return map;
}

} // namespace

caf::expected<affinity> parse_affinity(std::string_view text) {
  affinity a;
  a.asked = true;
  auto rest = text;
  auto takes = [&rest](std::string_view word) {
    if (rest != word && !(rest.starts_with(word) && rest.substr(word.size()).starts_with(",")))
      return false;
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    return true;
  };
  for (;;) {
    if (takes("verbose"))
      a.verbose = true;
    else if (takes("dry-run"))
      a.dry_run = a.verbose = true;
    else
      break;
  }
  if (rest.empty() && a.verbose) {
    a.asked = false; // as it would be without a word
    return a;
  }
  if (rest.starts_with("map:")) {
    a.kind = affinity_kind::map;
    auto map = read_map(rest.substr(4));
    if (!map)
      return std::move(map.error());
    a.map = std::move(*map);
    return a;
  }
  if (rest == "off")
    a.kind = affinity_kind::off;
  else if (rest == "per-task")
    a.kind = affinity_kind::per_task;
  else if (rest != "on")
    return make_error(ec::bad_argument,
                      fmt::format("\"{}\" is not on, off, per-task or map:SET;SET;..", text));
  return a;
}

idset task_part(const idset& all, uint32_t index, uint32_t count) {
  uint64_t n = all.size();
  if (n == 0 || count == 0)
    return {};
  auto begin = n * index / count;
  if (n < count)
    return idset::single(all.nth(begin));
  auto rest = all;
  rest.take_first(begin);
  return rest.take_first(n * (index + 1) / count - begin);
}

caf::expected<idset> task_share(const affinity& how, const idset& all, uint32_t index,
                                std::string_view what) {
  if (how.kind == affinity_kind::on)
    return all;
  auto& wanted = how.map[index % how.map.size()];
  if (!all.contains_all(wanted))
    return make_error(ec::bad_argument,
                      fmt::format("the map gives task {} of the node {} {}; the job has {} there",
                                  index, what, wanted.to_string(),
                                  all.empty() ? "none" : all.to_string()));
  return wanted;
}

} // namespace hactor
