// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/plugin_protocol.hpp"

#include <cereal/types/optional.hpp>
#include <cereal/types/utility.hpp>

#include "runtime/packed.hpp"

namespace hactor {

namespace {

template <class T>
std::optional<T> unpacked(const std::string& bytes) {
  auto value = unpack<T>(bytes);
  return value ? std::optional{std::move(*value)} : std::nullopt;
}

} // namespace

std::string pack_job(const plugin_job& job) { return pack(job); }
std::string pack_tasks(const plugin_tasks& tasks) { return pack(tasks); }
std::string pack_changes(const plugin_changes& changes) { return pack(changes); }

std::optional<plugin_job> unpack_job(const std::string& bytes) {
  return unpacked<plugin_job>(bytes);
}

std::optional<plugin_tasks> unpack_tasks(const std::string& bytes) {
  return unpacked<plugin_tasks>(bytes);
}

std::optional<plugin_changes> unpack_changes(const std::string& bytes) {
  return unpacked<plugin_changes>(bytes);
}

} // namespace hactor
