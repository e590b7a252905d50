// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/archive_keys.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "runtime/base64.hpp"
#include "runtime/clock.hpp"
#include "runtime/near.hpp"
#include "store/kvs_types.hpp"
#include "tools/kvs_request.hpp"

namespace hactor::tools {

namespace {

/// Bytes that go in one transaction: few wait for the disk, and none is far from its bound.
constexpr size_t batch_bytes = 8u << 20;
static_assert(batch_bytes < limits::kvs_transaction_bytes_max / 2);

caf::error commit(client& broker, const archive_name& of, json operations) {
  auto done =
      broker.ask("kvs.commit", {{"namespace", of.space}, {"ops", std::move(operations)}}, 0);
  return done ? caf::error{} : std::move(done.error());
}

/// What is below "archive".
caf::expected<std::vector<std::string>> keys_there(client& broker, const std::string& space) {
  std::vector<std::string> names;
  auto take = [&names](const json& part) {
    for (auto& e : object_at(part, "entries"))
      names.push_back(text_at(e, "name"));
  };
  auto last = broker.ask("kvs.list", {{"namespace", space}, {"key", "archive"}}, 60,
                         [&](const frame& f) {
                           if (auto part = parse_object(f.payload))
                             take(*part);
                         });
  if (!last && code_of(last.error()) == ec::unknown_key)
    return names; // none yet
  if (!last)
    return std::move(last.error());
  take(*last);
  return names;
}

caf::error unknown(client& broker, const archive_name& of) {
  auto keys = keys_there(broker, of.space);
  std::vector<std::string_view> names;
  if (keys)
    for (auto& key : *keys)
      if (!check_archive_name(key))
        names.push_back(key);
  return make_error(ec::unknown_key, fmt::format("archive '{}': does not exist{}", of.name,
                                                 did_you_mean(of.name, names)));
}

std::string prefix_of_new(const archive_name& of) { return of.name + "_new-"; }

json unlink(const std::string& key) {
  return {{"op", "unlink"}, {"key", key}, {"recursive", true}, {"force", true}};
}

} // namespace

caf::expected<json> load_archive(client& broker, const archive_name& of) {
  auto found = broker.ask("kvs.get", {{"namespace", of.space}, {"key", of.key()}});
  if (!found)
    return code_of(found.error()) == ec::unknown_key ? unknown(broker, of)
                                                     : std::move(found.error());
  auto bytes = kvs_bytes(*found);
  if (!bytes)
    return std::move(bytes.error());
  auto archive = parse_json(*bytes);
  if (!archive)
    return make_error(ec::store_corrupt, of.key() + ": " + render(archive.error()));
  return archive;
}

blob_loader blobs_of(client& broker, const archive_name& of) {
  return [&broker, of](const std::string& blob) -> caf::expected<std::string> {
    auto found = broker.ask("kvs.get", {{"namespace", of.space}, {"key", of.blobs() + "." + blob}});
    if (found)
      return kvs_bytes(*found);
    if (code_of(found.error()) != ec::unknown_key)
      return std::move(found.error());
    return make_error(ec::unknown_key,
                      fmt::format("archive '{}' was removed or made anew meanwhile", of.name));
  };
}

caf::error remove_archive(client& broker, const archive_name& of, bool force) {
  auto keys = keys_there(broker, of.space);
  if (!keys)
    return std::move(keys.error());
  if (!force && std::find(keys->begin(), keys->end(), of.name) == keys->end())
    return unknown(broker, of);
  auto operations = json::array();
  for (auto& key : *keys)
    if (key == of.name || key == of.name + "_blobs" || key.starts_with(prefix_of_new(of)))
      operations.push_back(unlink("archive." + key));
  return operations.empty() ? caf::error{} : commit(broker, of, std::move(operations));
}

// -- making ---------------------------------------------------------------------------------------

archive_maker::archive_maker(client& broker, archive_name of)
    : broker_{&broker}, of_{std::move(of)},
      key_{fmt::format("archive.{}{}-{}", prefix_of_new(of_), ::getpid(), wall_ns())} {}

caf::expected<archive_maker> archive_maker::begin(client& broker, archive_name of,
                                                  archive_start how) {
  archive_maker maker{broker, std::move(of)};
  auto before = load_archive(broker, maker.of_);
  if (!before && code_of(before.error()) != ec::unknown_key && how != archive_start::overwrite)
    return std::move(before.error());
  if (before && how == archive_start::fresh)
    return make_error(ec::busy, fmt::format("archive '{}': is there already; --overwrite replaces "
                                            "it, --append adds to it",
                                            maker.of_.name));
  json first{{"op", "mkdir"}, {"key", maker.key_}};
  if (before && how == archive_start::append) {
    auto files = read_archive(*before, {ec::store_corrupt, maker.of_.key()});
    if (!files)
      return std::move(files.error());
    for (auto& file : *files)
      for (auto& piece : file.pieces)
        maker.taken_.insert(piece.blob);
    maker.before_ = std::move(*files);
    first = {{"op", "copy"}, {"key", maker.key_}, {"value", maker.of_.blobs()}};
  }
  maker.operations_.push_back(std::move(first));
  return maker;
}

caf::error archive_maker::flush() {
  waiting_bytes_ = 0;
  return commit(*broker_, of_, std::exchange(operations_, json::array()));
}

caf::error archive_maker::take(const std::string& blob, std::string bytes) {
  if (!taken_.insert(blob).second)
    return {};
  waiting_bytes_ += bytes.size();
  operations_.push_back(
      {{"op", "put"}, {"key", key_ + "." + blob}, {"data", encode_base64(bytes)}});
  return waiting_bytes_ < batch_bytes ? caf::error{} : flush();
}

caf::error archive_maker::finish(const std::vector<archive_file>& files) {
  std::set<std::string> paths;
  for (auto& file : files)
    paths.insert(file.path);
  auto archive = json::array();
  auto add = [&](const archive_file& file) {
    archive.push_back(to_archive_json(file));
    for (auto& piece : file.pieces)
      taken_.erase(piece.blob);
  };
  for (auto& file : before_)
    if (!paths.contains(file.path))
      add(file);
  for (auto& file : files)
    add(file);
  auto text = dump(archive);
  if (text.size() > limits::kvs_value_bytes_max)
    return make_error(ec::too_big,
                      fmt::format("archive '{}': its list of {} files has {} bytes, and may have "
                                  "{}: make several, or lower --small-file-threshold",
                                  of_.name, archive.size(), text.size(),
                                  limits::kvs_value_bytes_max));
  if (auto e = flush())
    return e;
  for (auto& blob : taken_) // of files that were replaced
    operations_.push_back(unlink(key_ + "." + blob));
  operations_.push_back({{"op", "move"}, {"key", of_.blobs()}, {"value", key_}});
  operations_.push_back(
      {{"op", "put"}, {"key", of_.key()}, {"data", encode_base64(text)}});
  return flush();
}

void archive_maker::give_up() {
  // Should that fail, too, there is 'hactor archive remove'.
  (void)commit(*broker_, of_, json::array({unlink(key_)}));
}

} // namespace hactor::tools
