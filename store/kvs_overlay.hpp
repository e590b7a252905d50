// Blobs of the key-value store that the journal has, and those that are on their way to it.
// Callers: store/kvs_*.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "store/kvs_store.hpp"

namespace hactor {

/// The address of the directory without names, with which each namespace begins.
inline const std::string& empty_directory() {
  static const std::string text = encode_node({});
  return text;
}
inline const std::string& empty_address() {
  static const std::string address = address_of(blob_kind::directory, empty_directory());
  return address;
}

class kvs_store::overlay final : public blob_source {
public:
  explicit overlay(std::shared_ptr<blob_source> source) : source_{std::move(source)} {}

  caf::expected<std::string> load(std::string_view address) override {
    for (auto* some : {&fresh, &arriving})
      if (auto it = some->find(address); it != some->end())
        return it->second;
    if (address == empty_address())
      return empty_directory();
    auto bytes = source_->load(address);
    if (!bytes && code_of(bytes.error()) == ec::unknown_key)
      return make_error(ec::unknown_key,
                        blobref_of(address) + ": there is no such blob (any more)");
    return bytes;
  }

  /// As it will be when the change under way is made; what is fresh does not count yet.
  caf::expected<uint64_t> references(std::string_view address) override {
    if (leaving.find(address) != leaving.end())
      return uint64_t{0};
    if (arriving.find(address) != arriving.end())
      return uint64_t{1};
    return source_->references(address);
  }

  /// What the journal has. Requires: no change is under way.
  caf::expected<uint64_t> stored_references(std::string_view address) {
    return source_->references(address);
  }

  /// The change under way is made, or not.
  void settle() {
    arriving.clear();
    leaving.clear();
  }

  using blobs = std::map<std::string, std::string, std::less<>>;
  blobs fresh;    // applied
  blobs arriving; // in the change under way
  std::set<std::string, std::less<>> leaving;

private:
  std::shared_ptr<blob_source> source_;
};

} // namespace hactor
