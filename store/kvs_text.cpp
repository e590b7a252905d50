// Objects of the key-value store as JSON (RFC 11): {"ver":1,"type":T,"data":D}. What RFC 11 leaves
// open: hdir is a directory in parts, D a list of [blobref, names in it] or null; valref has beside
// D the bytes of all blobs, "size", and of the last, "tail".
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/kvs_tree.hpp"

#include "runtime/base64.hpp"
#include "runtime/json.hpp"
#include "store/kvs_key.hpp"

namespace hactor {

namespace {

using type = kvs_object::type;

void append_blobref(std::string& out, std::string_view address) {
  out += '"';
  out += blobref_of(address);
  out += '"';
}

void append_object(std::string& out, const kvs_object& o) {
  if (o.kind == type::dirref && o.dir.address.empty()) { // a person wrote it out
    out += encode_node(*o.dir.node);
    return;
  }
  out += "{\"data\":";
  switch (o.kind) {
  case type::val:
    out += '"';
    out += encode_base64(o.bytes);
    out += "\",\"type\":\"val\"";
    break;
  case type::valref:
    for (size_t i = 0; i < o.blobs.size(); ++i) {
      out += i == 0 ? '[' : ',';
      append_blobref(out, o.blobs[i]);
    }
    out += "],\"size\":" + std::to_string(o.size) + ",\"tail\":" + std::to_string(o.tail)
           + ",\"type\":\"valref\"";
    break;
  case type::dirref:
    out += '[';
    append_blobref(out, o.dir.address);
    out += "],\"type\":\"dirref\"";
    break;
  case type::symlink:
    if (out += '{'; !o.space.empty()) {
      out += "\"namespace\":";
      append_json_string(out, o.space);
      out += ',';
    }
    out += "\"target\":";
    append_json_string(out, o.bytes);
    out += "},\"type\":\"symlink\"";
    break;
  }
  out += ",\"ver\":1}";
}

caf::error wrong(const std::string& why) {
  return make_error(ec::bad_argument, "tree object: " + why);
}

std::optional<std::string> address_in(const json& text, blob_kind kind) {
  return text.is_string() ? parse_blobref(kind, text.get_ref<const std::string&>()) : std::nullopt;
}

uint64_t number_in(const json& j, const char* key) {
  auto it = j.find(key);
  return it != j.end() && it->is_number_unsigned() ? it->get<uint64_t>() : 0;
}

caf::expected<kvs_object> object_of(const json& j, size_t depth);

caf::expected<kvs_object> link_of(const json& data) {
  kvs_object o;
  o.kind = type::symlink;
  auto target = data.find("target"), space = data.find("namespace");
  if (target == data.end() || !target->is_string() || (space != data.end() && !space->is_string()))
    return wrong("a symlink's data must have target, and may have namespace, as strings");
  o.bytes = target->get<std::string>();
  if (auto names = parse_kvs_key(o.bytes); !names)
    return std::move(names.error());
  if (space == data.end())
    return o;
  o.space = space->get<std::string>();
  if (auto err = check_kvs_space(o.space))
    return err;
  return o;
}

caf::error read_names(const json& data, size_t depth, kvs_node& node) {
  for (auto& [name, value] : data.items()) {
    auto parsed = parse_kvs_key(name);
    if (!parsed)
      return std::move(parsed.error());
    if (parsed->size() != 1 || parsed->front() != name)
      return wrong("'" + name + "' is not a name");
    auto object = object_of(value, depth + 1);
    if (!object)
      return std::move(object.error());
    node.names.emplace(name, std::move(*object));
  }
  return caf::none;
}

caf::expected<kvs_object> valref_of(const json& j, const json& data) {
  kvs_object o;
  o.kind = type::valref;
  if (!data.is_array() || data.empty())
    return wrong("a valref's data must be a list of blobrefs");
  for (auto& text : data) {
    auto address = address_in(text, blob_kind::value);
    if (!address)
      return wrong("a valref's data must be a list of blobrefs, sha256-HEX");
    o.blobs.push_back(std::move(*address));
  }
  o.size = number_in(j, "size");
  o.tail = number_in(j, "tail");
  return o;
}

caf::expected<kvs_object> object_of(const json& j, size_t depth) {
  constexpr size_t depth_max = 64; // as keys
  if (depth > depth_max)
    return wrong("has too many levels");
  auto ver = j.find("ver"), kind = j.find("type"), data = j.find("data");
  if (!j.is_object() || ver == j.end() || *ver != 1 || kind == j.end() || !kind->is_string()
      || data == j.end())
    return wrong("must be {\"ver\":1,\"type\":...,\"data\":...}");
  auto& name = kind->get_ref<const std::string&>();
  kvs_object o;
  if (name == "val") {
    auto bytes =
        data->is_string() ? decode_base64(data->get_ref<const std::string&>()) : std::nullopt;
    if (!bytes)
      return wrong("a val's data must be base64");
    o.bytes = std::move(*bytes);
    return o;
  }
  if (name == "valref")
    return valref_of(j, *data);
  if (name == "symlink")
    return data->is_object() ? link_of(*data) : wrong("a symlink's data must be an object");
  o.kind = type::dirref;
  if (name == "dirref") {
    auto address = data->is_array() && data->size() == 1
                       ? address_in((*data)[0], blob_kind::directory)
                       : std::nullopt;
    if (!address)
      return wrong("a dirref's data must be a list of one blobref, sha256-HEX");
    o.dir.address = std::move(*address);
    return o;
  }
  if (name != "dir" || !data->is_object())
    return wrong("type must be val, valref, dirref, dir with an object, or symlink");
  o.dir = kvs_tree::empty();
  if (auto err = read_names(*data, depth, *o.dir.node))
    return err;
  return o;
}

caf::error damaged() {
  return make_error(ec::store_corrupt, "a directory of the key-value store is damaged");
}

bool read_parts(const json& data, kvs_node& node) {
  for (auto& entry : data) {
    kvs_branch part;
    if (!entry.is_null()) {
      auto address = entry.is_array() && entry.size() == 2 && entry[1].is_number_unsigned()
                         ? address_in(entry[0], blob_kind::directory)
                         : std::nullopt;
      if (!address)
        return false;
      part.address = std::move(*address);
      part.count = entry[1].get<uint64_t>();
    }
    node.parts.push_back(std::move(part));
  }
  return node.parts.size() == 32;
}

} // namespace

std::string encode_object(const kvs_object& object) {
  std::string out;
  append_object(out, object);
  return out;
}

std::string encode_node(const kvs_node& node) {
  std::string out = "{\"data\":";
  if (node.inner) {
    for (size_t i = 0; i < node.parts.size(); ++i) {
      out += i == 0 ? '[' : ',';
      auto& part = node.parts[i];
      if (part.count == 0) {
        out += "null";
        continue;
      }
      out += '[';
      append_blobref(out, part.address);
      out += ',' + std::to_string(part.count) + ']';
    }
    return out + "],\"type\":\"hdir\",\"ver\":1}";
  }
  out += '{';
  for (auto& [name, object] : node.names) {
    if (out.back() != '{')
      out += ',';
    append_json_string(out, name);
    out += ':';
    append_object(out, object);
  }
  return out + "},\"type\":\"dir\",\"ver\":1}";
}

caf::expected<std::shared_ptr<kvs_node>> decode_node(std::string_view text) {
  auto j = parse_json(text);
  if (!j || !j->is_object() || !j->contains("data") || !j->contains("type"))
    return damaged();
  auto node = std::make_shared<kvs_node>();
  auto& data = (*j)["data"];
  node->inner = (*j)["type"] == "hdir";
  if (node->inner ? !read_parts(data, *node) : !data.is_object() || read_names(data, 0, *node))
    return damaged();
  return node;
}

namespace {

/// What a person says of sizes is nothing to rely on.
void forget_sizes(kvs_object& o) {
  o.size = o.tail = 0;
  if (o.dir.node)
    for (auto& [name, child] : o.dir.node->names)
      forget_sizes(child);
}

} // namespace

caf::expected<kvs_object> decode_object(std::string_view text) {
  auto j = parse_json(text);
  if (!j)
    return std::move(j.error());
  auto object = object_of(*j, 0);
  if (object)
    forget_sizes(*object);
  return object;
}

} // namespace hactor
