// What the journal keeps of the key-value store, as maps; and a check that it keeps just what its
// namespaces name, as often as they do.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "runtime/json.hpp"
#include "store/kvs_store.hpp"

namespace hactor::test {

class blob_table final : public blob_source {
public:
  caf::expected<std::string> load(std::string_view address) override {
    auto it = bytes.find(std::string{address});
    if (it == bytes.end())
      return make_error(ec::unknown_key, "no such blob");
    return it->second;
  }

  caf::expected<uint64_t> references(std::string_view address) override {
    auto it = counts.find(std::string{address});
    return it == counts.end() ? uint64_t{0} : it->second;
  }

  void make(const kvs_change& c) {
    for (auto& b : c.blobs) {
      if (b.references == 0) {
        REQUIRE(counts.erase(b.digest) == 1);
        bytes.erase(b.digest);
        continue;
      }
      REQUIRE(b.bytes.empty() == (counts.count(b.digest) != 0));
      counts[b.digest] = b.references;
      if (!b.bytes.empty())
        bytes[b.digest] = b.bytes;
    }
    for (auto& [name, text] : c.records)
      if (text.empty())
        records.erase(name);
      else
        records[name] = text;
  }

  /// Nothing is missing, nothing is left over, all counts are right.
  void check_whole() {
    std::map<std::string, uint64_t> named;
    for (auto& [name, text] : records) {
      auto record = parse_json(text);
      for (auto& root : (*record)["roots"])
        visit(*parse_blobref(blob_kind::directory, root.get<std::string>()), named);
    }
    CHECK(named == counts);
    CHECK(bytes.size() == counts.size());
  }

  std::map<std::string, std::string> bytes, records;
  std::map<std::string, uint64_t> counts;

private:
  void visit(const std::string& address, std::map<std::string, uint64_t>& named) {
    if (++named[address] > 1 || address.front() != static_cast<char>(blob_kind::directory))
      return;
    REQUIRE(bytes.count(address) == 1);
    CHECK(address_of(blob_kind::directory, bytes[address]) == address);
    auto node = decode_node(bytes[address]);
    REQUIRE(node);
    for (auto& child : children_of(**node))
      visit(child, named);
  }
};

} // namespace hactor::test
