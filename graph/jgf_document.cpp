// See jgf_document.hpp. simdjson reads the text forwards, once; what it calls lies in this file.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jgf_document.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>
#include <simdjson.h>

#include "graph/host_name.hpp"
#include "graph/key_table.hpp"

namespace hactor {

namespace {

namespace od = simdjson::ondemand;

/// The text with the room behind it that simdjson wants, and the strings found in it.
struct jgf_memory {
  explicit jgf_memory(std::string_view text) : text(text) {}
  simdjson::padded_string text;
  od::parser parser;
  od::document document;
};

struct pending_edge {
  std::string_view source, target, subsystem, relation;
  uint32_t place; // in the text
};

class jgf_parser {
public:
  jgf_parser(jgf_memory& memory, size_t vertices_max) : memory_(memory), max_(vertices_max) {}

  /// With `only_look`, stops at the graph.
  caf::error run(bool only_look) {
    only_look_ = only_look;
    if (auto e = memory_.parser.iterate(memory_.text).get(memory_.document))
      return syntax(e);
    started_ = true;
    od::object top;
    if (auto e = memory_.document.get_object().get(top))
      return refuse(e, "the document", "must be a mapping with a graph");
    if (!read_top(top))
      return std::move(error_);
    if (only_look)
      return found_ ? caf::error{} : make_error(ec::bad_argument, "jgf: no graph");
    const char* rest = nullptr;
    if (!memory_.document.current_location().get(rest))
      return make_error(ec::bad_json, "jgf: there is more after the end of the document");
    if (!found_)
      return make_error(ec::bad_argument, "jgf: graph: missing; it must be a mapping with nodes "
                                          "and edges");
    if (!has_nodes_)
      return make_error(ec::bad_argument, "jgf: graph.nodes: missing; it must be a list");
    resolve();
    return std::move(error_);
  }

  jgf_document result;

private:
  // -- errors: functions that read return false, and the error is in error_ ----------------------

  caf::error syntax(simdjson::error_code e) {
    const char* at = nullptr;
    std::string_view text{memory_.text.data(), memory_.text.size()};
    auto where = fmt::format("in {} bytes: ", text.size());
    if (started_ && !memory_.document.current_location().get(at) && at >= text.data()
        && at <= text.data() + text.size()) {
      auto before = text.substr(0, static_cast<size_t>(at - text.data()));
      where = fmt::format("line {}: ", 1 + std::count(before.begin(), before.end(), '\n'));
    }
    auto code = e == simdjson::CAPACITY || e == simdjson::MEMALLOC ? ec::too_big : ec::bad_json;
    return make_error(code, fmt::format("jgf: {}{}", where, simdjson::error_message(e)));
  }

  caf::error refuse(simdjson::error_code e, std::string_view key, std::string_view wanted) {
    bool is_value = e == simdjson::INCORRECT_TYPE || e == simdjson::NUMBER_OUT_OF_RANGE
                    || e == simdjson::NUMBER_ERROR;
    if (!is_value)
      return syntax(e);
    return make_error(ec::bad_argument, fmt::format("jgf: {}: {}", key, wanted));
  }

  std::string full(std::string_view key) const {
    return in_.empty() ? std::string(key) : fmt::format("graph.{}.{}.{}", in_, place_, key);
  }

  bool fail(caf::error e) {
    error_ = std::move(e);
    return false;
  }
  bool fail(std::string_view key, std::string_view why, ec code = ec::bad_argument) {
    return fail(make_error(code, fmt::format("jgf: {}: {}", full(key), why)));
  }
  bool ok(simdjson::error_code e, std::string_view key, std::string_view wanted) {
    return !e || fail(refuse(e, full(key), wanted));
  }

  // -- values -----------------------------------------------------------------------------------

  bool get(od::value& v, std::string_view key, std::string_view& to) {
    return ok(v.get_string().get(to), key, "must be a string");
  }
  bool get(od::value& v, std::string_view key, bool& to) {
    return ok(v.get_bool().get(to), key, "must be true or false");
  }
  bool get(od::value& v, std::string_view key, int64_t least, int64_t most, int64_t& to) {
    auto e = v.get_int64().get(to);
    if (!e && to >= least && to <= most)
      return true;
    auto wanted = fmt::format("must be a whole number from {} to {}", least, most);
    return e ? ok(e, key, wanted) : fail(key, fmt::format("{}, found {}", wanted, to));
  }

  /// Calls `read(key, value)` for each member; it returns false to stop.
  template <class Read>
  bool members(od::object& object, std::string_view of, Read read) {
    for (auto field : object) {
      std::string_view key;
      od::value value;
      if (!ok(field.unescaped_key().get(key), of, "")
          || !ok(std::move(field).value().get(value), of, ""))
        return false;
      if (!read(key, value))
        return false;
      if (only_look_ && found_)
        return true;
    }
    return true;
  }
  template <class Read>
  bool members(od::value& value, std::string_view of, Read read) {
    od::object object;
    return ok(value.get_object().get(object), of, "must be a mapping") && members(object, of, read);
  }

  // -- the document -----------------------------------------------------------------------------

  bool read_top(od::object& top) {
    return members(top, "the document", [&](std::string_view key, od::value& v) {
      if (key == "graph")
        return read_graph(v);
      if (key == "free_ranks")
        return read_free_ranks(v);
      if (key != "scheduling")
        return true;
      return members(v, key, [&](std::string_view inner, od::value& w) {
        if (inner == "graph")
          return read_graph(w);
        return inner == "free_ranks" ? read_free_ranks(w) : true;
      });
    });
  }

  bool read_free_ranks(od::value& v) {
    std::string_view text;
    if (!get(v, "free_ranks", text))
      return false;
    auto ranks = idset::parse(text);
    if (!ranks)
      return fail("free_ranks", render(ranks.error()));
    result.free_ranks = std::move(*ranks);
    return true;
  }

  bool read_graph(od::value& v) {
    if (found_)
      return fail("graph", "occurs twice");
    found_ = true;
    if (only_look_)
      return true;
    return members(v, "graph", [&](std::string_view key, od::value& w) {
      if (key == "nodes")
        return read_list(w, key, [&](od::value& x) { return read_vertex(x); });
      if (key == "edges")
        return read_list(w, key, [&](od::value& x) { return read_edge(x); });
      return true;
    });
  }

  template <class Read>
  bool read_list(od::value& v, std::string_view key, Read read) {
    has_nodes_ = has_nodes_ || key == "nodes";
    od::array list;
    if (!ok(v.get_array().get(list), key == "nodes" ? "graph.nodes" : "graph.edges",
            "must be a list"))
      return false;
    in_ = key;
    place_ = 0;
    for (auto item : list) {
      od::value x;
      if (!ok(item.get(x), "", "") || !read(x))
        return false;
      ++place_;
    }
    in_ = {};
    return true;
  }

  // -- nodes ------------------------------------------------------------------------------------

  bool read_vertex(od::value& value) {
    if (result.vertices.size() >= max_)
      return fail(
          make_error(ec::too_big, fmt::format("jgf: graph.nodes: more than {} vertices", max_)));
    jgf_vertex v;
    given_ = {};
    bool has_key = false;
    bool has_metadata = false;
    v.first_path = static_cast<uint32_t>(result.paths.size());
    bool read = members(value, "node", [&](std::string_view key, od::value& x) {
      if (key == "id") {
        has_key = true;
        return get(x, key, v.key);
      }
      if (key != "metadata")
        return true;
      has_metadata = true;
      return members(
          x, key, [&](std::string_view inner, od::value& y) { return read_metadata(v, inner, y); });
    });
    if (!read)
      return false;
    if (!has_key)
      return fail("id", "missing; it must be a string");
    if (!has_metadata || v.type.empty())
      return fail("metadata.type", "missing; it must be a string that is not empty");
    v.path_count = static_cast<uint32_t>(result.paths.size()) - v.first_path;
    fill_defaults(v);
    if (!keys_.add(v.key))
      return fail("id", fmt::format("\"{}\" occurs twice", v.key));
    result.vertices.push_back(v);
    return true;
  }

  bool read_metadata(jgf_vertex& v, std::string_view key, od::value& x) {
    if (key == "type")
      return get(x, "metadata.type", v.type);
    if (key == "basename")
      return get(x, "metadata.basename", v.basename);
    if (key == "name")
      return get(x, "metadata.name", v.name);
    if (key == "unit")
      return get(x, "metadata.unit", v.unit);
    if (key == "exclusive")
      return get(x, "metadata.exclusive", v.exclusive);
    if (key == "id") {
      given_.id = true;
      return get(x, "metadata.id", -1, INT64_MAX, v.id);
    }
    if (key == "uniq_id") {
      given_.uniq_id = true;
      return get(x, "metadata.uniq_id", 0, INT64_MAX, v.uniq_id);
    }
    if (key == "size")
      return get(x, "metadata.size", 0, int64_t{1} << 40, v.size);
    if (key == "rank") {
      int64_t rank = -1;
      if (!get(x, "metadata.rank", -1, INT32_MAX, rank))
        return false;
      v.rank = static_cast<int32_t>(rank);
      return true;
    }
    if (key == "status")
      return read_status(v, x);
    if (key == "properties")
      return read_properties(v, x);
    if (key == "paths")
      return members(x, "metadata.paths", [&](std::string_view subsystem, od::value& y) {
        auto& path = result.paths.emplace_back(subsystem, std::string_view{});
        return get(y, "metadata.paths", path.second);
      });
    return true;
  }

  /// Fluxion writes 0 for up and 1 for down.
  bool read_status(jgf_vertex& v, od::value& x) {
    constexpr auto wanted = "must be 0 or \"up\", 1 or \"down\"";
    od::json_type type = od::json_type::null;
    if (!ok(x.type().get(type), "metadata.status", wanted))
      return false;
    int64_t number = -1;
    if (type == od::json_type::number) {
      if (!ok(x.get_int64().get(number), "metadata.status", wanted))
        return false;
    } else {
      std::string_view word;
      if (!ok(x.get_string().get(word), "metadata.status", wanted))
        return false;
      number = word == "up" || word == "UP" ? 0 : word == "down" || word == "DOWN" ? 1 : -1;
    }
    v.status = number == 1 ? vertex_status::down : vertex_status::up;
    return number == 0 || number == 1 || fail("metadata.status", wanted);
  }

  bool read_properties(jgf_vertex& v, od::value& x) {
    bool is_null = false;
    if (!ok(x.is_null().get(is_null), "metadata.properties", "must be a mapping"))
      return false;
    if (is_null)
      return true;
    vertex_properties set;
    if (!members(x, "metadata.properties", [&](std::string_view key, od::value& y) {
          std::string_view text;
          if (!get(y, "metadata.properties", text))
            return false;
          set.insert_or_assign(std::string(key), std::string(text));
          return true;
        }))
      return false;
    if (set.empty())
      return true;
    // Most vertices with properties have those of others.
    auto [at, is_new] =
        sets_.try_emplace(std::move(set), static_cast<uint32_t>(result.properties.size()));
    if (is_new)
      result.properties.push_back(at->first);
    v.properties = at->second;
    return true;
  }

  void fill_defaults(jgf_vertex& v) const {
    if (!given_.uniq_id) {
      int64_t number = -1;
      auto [end, e] = std::from_chars(v.key.data(), v.key.data() + v.key.size(), number);
      if (e == std::errc{} && end == v.key.data() + v.key.size() && number >= 0)
        v.uniq_id = number;
    }
    if (given_.id)
      return;
    v.id = v.uniq_id;
    if (v.type == "node" && !v.name.empty())
      if (auto number = split_host(v.name).number; number >= 0)
        v.id = number;
  }

  // -- edges ------------------------------------------------------------------------------------

  bool read_edge(od::value& value) {
    pending_edge e{{}, {}, {}, {}, place_};
    // Of old files: one relation for each subsystem.
    std::vector<std::pair<std::string_view, std::string_view>> by_subsystem;
    bool has_source = false;
    bool has_target = false;
    bool read = members(value, "edge", [&](std::string_view key, od::value& x) {
      if (key == "source") {
        has_source = true;
        return get(x, key, e.source);
      }
      if (key == "target") {
        has_target = true;
        return get(x, key, e.target);
      }
      if (key != "metadata")
        return true;
      return members(x, key, [&](std::string_view inner, od::value& y) {
        if (inner == "subsystem")
          return get(y, "metadata.subsystem", e.subsystem);
        if (inner == "relationship" || inner == "relation")
          return get(y, "metadata.relationship", e.relation);
        if (inner != "name")
          return true;
        return members(y, "metadata.name", [&](std::string_view subsystem, od::value& z) {
          auto& pair = by_subsystem.emplace_back(subsystem, std::string_view{});
          return get(z, "metadata.name", pair.second);
        });
      });
    });
    if (!read)
      return false;
    if (!has_source || !has_target)
      return fail(has_source ? "target" : "source", "missing; it must be the id of a node");
    if (by_subsystem.empty())
      by_subsystem.emplace_back(e.subsystem.empty() ? "containment" : e.subsystem, e.relation);
    for (auto& [subsystem, relation] : by_subsystem) {
      e.subsystem = subsystem;
      e.relation = !relation.empty() ? relation : subsystem == "containment" ? "contains" : "";
      // Files from before 2020 have each edge in both directions.
      if (!(e.subsystem == "containment" && e.relation == "in"))
        edges_.push_back(e);
    }
    return true;
  }

  void resolve() {
    in_ = "edges";
    result.edges.reserve(edges_.size());
    for (auto& e : edges_) {
      place_ = e.place;
      auto source = keys_.find(e.source);
      auto target = keys_.find(e.target);
      if (source && target) {
        result.edges.push_back({*source, *target, e.subsystem, e.relation});
      } else if (!result.free_ranks) {
        fail(source ? "target" : "source",
             fmt::format("no node has the id \"{}\"", source ? e.target : e.source));
        return;
      }
    }
  }

  struct given {
    bool id = false;
    bool uniq_id = false;
  };

  jgf_memory& memory_;
  size_t max_;
  bool started_ = false; // the document can be asked where it is
  bool only_look_ = false;
  bool found_ = false;
  bool has_nodes_ = false;
  std::string_view in_; // the list that is read
  uint32_t place_ = 0;  // in it
  given given_;         // of the vertex that is read
  key_table keys_;
  std::map<vertex_properties, uint32_t> sets_;
  std::vector<pending_edge> edges_;
  caf::error error_;
};

} // namespace

std::string_view jgf_document::path(const jgf_vertex& v, std::string_view subsystem) const {
  for (uint32_t i = v.first_path; i < v.first_path + v.path_count; ++i)
    if (paths[i].first == subsystem)
      return paths[i].second;
  return {};
}

caf::expected<jgf_document> parse_jgf(std::string_view text, size_t vertices_max) {
  if (text.size() > limits::graph_text_bytes_max)
    return make_error(ec::too_big, fmt::format("jgf: {} bytes; at most {} bytes are taken",
                                               text.size(), limits::graph_text_bytes_max));
  auto memory = std::make_shared<jgf_memory>(text);
  jgf_parser parser{*memory, vertices_max};
  if (auto e = parser.run(false))
    return e;
  parser.result.memory = std::move(memory);
  return std::move(parser.result);
}

bool has_jgf(std::string_view text) {
  if (text.size() > limits::graph_text_bytes_max)
    return false;
  jgf_memory memory{text};
  return !jgf_parser{memory, 0}.run(true);
}

} // namespace hactor
