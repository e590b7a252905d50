// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/kvs_key.hpp"

#include <algorithm>

#include "runtime/utf8.hpp"
#include "store/kvs_types.hpp"

namespace hactor {

namespace {

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      text.remove_prefix(1);
      continue;
    }
    auto step = next_utf8(text);
    if (!step.valid)
      return false;
    text.remove_prefix(step.length);
  }
  return true;
}

caf::error refuse(std::string_view key, const std::string& why) {
  return make_error(ec::bad_argument, "key '" + std::string{key.substr(0, 80)} + "': " + why);
}

} // namespace

caf::expected<std::vector<std::string>> parse_kvs_key(std::string_view key) {
  if (key.empty())
    return refuse(key, "is empty; the root directory is '.'");
  if (!is_utf8(key))
    return refuse("...", "is not UTF-8");
  std::vector<std::string> names;
  for (size_t at = 0; at < key.size();) {
    const auto end = std::min(key.find('.', at), key.size());
    if (end - at > limits::kvs_name_bytes_max)
      return refuse(key, "a name in it has " + std::to_string(end - at) + " bytes; at most "
                             + std::to_string(limits::kvs_name_bytes_max) + " are allowed");
    if (end > at)
      names.emplace_back(key.substr(at, end - at));
    at = end + 1;
  }
  if (names.size() > limits::kvs_depth_max)
    return refuse(key, "has " + std::to_string(names.size()) + " names; at most "
                           + std::to_string(limits::kvs_depth_max) + " are allowed");
  return names;
}

std::string kvs_space_of(job_id id) { return std::string{kvs_job_space_prefix} + to_string(id); }

std::string join_kvs_key(const std::vector<std::string>& names) {
  std::string key;
  for (auto& name : names)
    key += (key.empty() ? "" : ".") + name;
  return key.empty() ? "." : key;
}

caf::error check_kvs_space(std::string_view name) {
  const auto plain = [](unsigned char c) { return c > ' ' && c != '/' && c != 0x7f; };
  if (name.empty() || name.size() > limits::kvs_space_bytes_max || !is_utf8(name)
      || !std::all_of(name.begin(), name.end(), plain))
    return make_error(ec::bad_argument,
                      "namespace '" + (is_utf8(name) ? std::string{name.substr(0, 80)} : "...")
                          + "': must have 1 to " + std::to_string(limits::kvs_space_bytes_max)
                          + " bytes of UTF-8 without blanks and '/'");
  return caf::none;
}

} // namespace hactor
