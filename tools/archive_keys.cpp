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
constexpr size_t batch_operations = 10'000;
static_assert(batch_operations < limits::kvs_operations_max / 2);

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

/// The value of a key, which is the list of an archive.
caf::expected<json> load_list(client& broker, const archive_name& of, const std::string& key) {
  auto found = broker.ask("kvs.get", {{"namespace", of.space}, {"key", key}});
  if (!found)
    return std::move(found.error());
  auto bytes = kvs_bytes(*found);
  if (!bytes)
    return std::move(bytes.error());
  auto archive = parse_json(*bytes);
  if (!archive)
    return make_error(ec::store_corrupt, of.key() + ": " + render(archive.error()));
  return archive;
}

} // namespace

caf::expected<json> load_archive(client& broker, const archive_name& of) {
  auto archive = load_list(broker, of, of.key());
  if (!archive && code_of(archive.error()) == ec::unknown_key)
    return unknown(broker, of);
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
  auto blobs = of.name + "_blobs";
  auto found = false;
  auto operations = json::array({unlink(of.key()), unlink(of.blobs())}); // since made, maybe
  for (auto& key : *keys)
    if (key.starts_with(prefix_of_new(of)))
      operations.push_back(unlink("archive." + key)), found = true;
    else if (key == of.name || key == blobs)
      found = true;
  if (!found)
    return force ? caf::error{} : unknown(broker, of);
  return commit(broker, of, std::move(operations));
}

// -- making ---------------------------------------------------------------------------------------

archive_maker::archive_maker(client& broker, archive_name of, archive_start how)
    : broker_{&broker}, of_{std::move(of)}, how_{how},
      key_{fmt::format("archive.{}{}-{}", prefix_of_new(of_), ::getpid(), wall_ns())} {}

caf::expected<archive_maker> archive_maker::begin(client& broker, archive_name of,
                                                  archive_start how) {
  archive_maker maker{broker, std::move(of), how};
  if (auto e = how == archive_start::append ? maker.begin_with_old() : maker.begin_empty())
    return e;
  return maker;
}

/// Makes the transaction fail when there is an archive.
void archive_maker::refuse_if_there() {
  operations_.push_back({{"op", "mkdir"}, {"key", of_.key()}}); // not where a value is
  operations_.push_back({{"op", "unlink"}, {"key", of_.key()}});
}

caf::error archive_maker::begin_empty() {
  if (how_ == archive_start::fresh)
    refuse_if_there();
  operations_.push_back({{"op", "mkdir"}, {"key", key_ + ".blobs"}});
  operations_.push_back({{"op", "put"}, {"key", key_ + ".begun"}, {"data", ""}});
  return send();
}

caf::error archive_maker::begin_with_old() {
  operations_.push_back({{"op", "copy"}, {"key", key_ + ".list"}, {"value", of_.key()}});
  operations_.push_back({{"op", "mkdir"}, {"key", of_.blobs()}}); // one that was put may have none
  operations_.push_back({{"op", "copy"}, {"key", key_ + ".blobs"}, {"value", of_.blobs()}});
  operations_.push_back({{"op", "put"}, {"key", key_ + ".begun"}, {"data", ""}});
  auto e = send();
  if (code_of(e) == ec::unknown_key) {
    how_ = archive_start::fresh; // there is none, nor may there be one in the end
    operations_ = json::array();
    return begin_empty();
  }
  if (!e && (e = read_old()))
    give_up();
  return e;
}

caf::error archive_maker::read_old() {
  auto archive = load_list(*broker_, of_, key_ + ".list");
  if (!archive)
    return std::move(archive.error());
  auto files = read_archive(*archive, {ec::store_corrupt, of_.key()});
  if (!files)
    return std::move(files.error());
  for (auto& file : *files) {
    for (auto& piece : file.pieces)
      taken_.insert(piece.blob);
    list_.add(std::move(file));
  }
  old_bytes_ = list_.text_bytes();
  return {};
}

/// Commits what is gathered. What comes next fails when this is removed.
caf::error archive_maker::send() {
  waiting_bytes_ = 0;
  json still_there{{"op", "copy"}, {"key", key_ + ".begun"}, {"value", key_ + ".begun"}};
  auto e = commit(*broker_, of_, std::exchange(operations_, json::array({still_there})));
  if (how_ == archive_start::fresh && code_of(e) == ec::wrong_state && load_archive(*broker_, of_))
    return make_error(ec::busy, fmt::format("archive '{}': is there already; --overwrite replaces "
                                            "it, --append adds to it",
                                            of_.name));
  return e;
}

caf::error archive_maker::flush() {
  auto e = send();
  return code_of(e) != ec::unknown_key
             ? e
             : make_error(ec::unknown_key,
                          fmt::format("archive '{}': was removed meanwhile", of_.name));
}

caf::error archive_maker::check_bytes(size_t bytes) const {
  if (bytes <= limits::kvs_value_bytes_max)
    return {};
  return make_error(ec::too_big,
                    fmt::format("archive '{}': its list, with small files in it, may have {} "
                                "bytes, which is too little after {} files: make several archives, "
                                "lower --small-file-threshold or raise --chunksize",
                                of_.name, limits::kvs_value_bytes_max, list_.files().size()));
}

caf::error archive_maker::take(const std::string& blob, std::string bytes) {
  constexpr size_t around_blobref = std::string_view{R"([0,1,""])"}.size();
  piece_bytes_ += around_blobref + blob.size();
  // The file may take the place of old ones, any of them.
  auto others = list_.text_bytes();
  if (auto e = check_bytes(piece_bytes_ + others - std::min(others, old_bytes_)))
    return e;
  if (!taken_.insert(blob).second)
    return {};
  waiting_bytes_ += bytes.size();
  operations_.push_back(
      {{"op", "put"}, {"key", key_ + ".blobs." + blob}, {"data", encode_base64(bytes)}});
  return waiting_bytes_ < batch_bytes && operations_.size() < batch_operations ? caf::error{}
                                                                               : flush();
}

caf::error archive_maker::add(archive_file file) {
  list_.add(std::move(file));
  piece_bytes_ = 0;
  return check_bytes(list_.text_bytes());
}

caf::error archive_maker::finish() {
  for (auto& [path, file] : list_.files())
    for (auto& piece : file.pieces)
      taken_.erase(piece.blob);
  for (auto& blob : taken_) { // of files that were replaced
    operations_.push_back(unlink(key_ + ".blobs." + blob));
    if (operations_.size() >= batch_operations)
      if (auto e = flush())
        return e;
  }
  if (auto e = flush())
    return e;
  if (how_ == archive_start::fresh)
    refuse_if_there();
  operations_.push_back({{"op", "move"}, {"key", of_.blobs()}, {"value", key_ + ".blobs"}});
  operations_.push_back(
      {{"op", "put"}, {"key", of_.key()}, {"data", encode_base64(list_.text())}});
  operations_.push_back(unlink(key_));
  return flush();
}

void archive_maker::give_up() {
  // Should that fail, too, there is 'hactor archive remove'.
  (void)commit(*broker_, of_, json::array({unlink(key_)}));
}

} // namespace hactor::tools
