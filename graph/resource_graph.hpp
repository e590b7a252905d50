// Resources as a directed graph (RFC 4): a vertex is a pool of one type, an edge a relation in a
// named subsystem. "containment" is subsystem 0 and a tree; the others (power, network, ...) are
// acyclic. Types, names and relations are data: nothing here knows what a node is, save that ranks
// and constraints are told of vertices by readers.
//
// Arrays indexed by vertex, about 60 bytes each, so that millions fit: what a walk asks of each
// vertex in one of 16 bytes, four to a line of memory, what is seldom asked in another.
// Boost.Graph's algorithms run on it through resource_graph_boost.hpp. What is allocated is not
// here but in the ledger.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/adjacency.hpp"
#include "graph/symbols.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// A place in the graph's arrays. Stays as long as the vertex; may be given out again afterwards.
using vertex = uint32_t;
inline constexpr vertex no_vertex = UINT32_MAX;

/// A place in the graph's list of subsystems.
using subsystem_id = uint8_t;
inline constexpr subsystem_id containment = 0;
inline constexpr size_t subsystems_max = 64;

/// The symbol of a vertex's type, small enough for tables by type.
using type_id = uint16_t;
inline constexpr type_id no_type = UINT16_MAX;

/// Amounts by type, each type once.
using type_amounts = std::vector<std::pair<type_id, int64_t>>;

enum class vertex_status : uint8_t { up, down };

/// Key -> value, as JGF has them; a property without a value has "".
using vertex_properties = std::map<std::string, std::string>;

/// What a reader says of a vertex.
struct vertex_facts {
  std::string_view type;
  std::string_view basename; ///< "": the type.
  std::string_view name;     ///< "": basename and id, or the basename alone when id is -1.
  std::string_view unit;
  int64_t id = -1;
  int64_t uniq_id = -1; ///< -1: the place of the vertex.
  int64_t size = 1;     ///< Units in the pool.
  int32_t rank = -1;    ///< Of the broker that runs what is below; -1: none.
  vertex_status status = vertex_status::up;
};

class resource_graph {
public:
  /// `dominant`: the name of subsystem 0, where a graph is read without its containment.
  explicit resource_graph(std::string_view dominant = "containment");

  // -- building ---------------------------------------------------------------------------------

  /// Errors: ec::bad_argument (size < 0 or too large, no type), ec::too_big (limits
  /// graph_vertices_max; types).
  caf::expected<vertex> add_vertex(const vertex_facts& facts);

  /// Room for so many vertices and edges of containment.
  void reserve(size_t vertices);

  /// The subsystem of that name, added when it is new. Errors: ec::too_big.
  caf::expected<subsystem_id> add_subsystem(std::string_view name);

  /// `from` -relation-> `to`. Errors: ec::bad_argument: to itself, twice, or a second parent in
  /// containment; ec::too_big: limits graph_parents_max. Cycles are check()'s to find.
  caf::error add_edge(vertex from, vertex to, subsystem_id s, std::string_view relation);

  /// `to`, which something contains already, is to be found below `from` as well. It stays where it
  /// is: paths, counts and removal follow what contains it. Errors: ec::bad_argument: to itself,
  /// twice, or to what contains `from`; ec::too_big: limits graph_parents_max.
  caf::error add_link(vertex from, vertex to);

  /// Tells that everything hangs together: each subsystem with edges has one root and no cycle, and
  /// what one vertex contains has different names, or ranks (brokers that share a host).
  /// Errors: ec::bad_argument, naming the subsystem and a vertex. O(vertices + edges).
  caf::error check() const;

  /// The same for the edges of one subsystem.
  caf::error check(subsystem_id s) const;

  /// The same for what is linked: nothing is found below itself.
  caf::error check_links() const;

  /// Takes out a vertex and all that it contains, in every subsystem. Returns them, parents before
  /// children. Requires: exists(top).
  std::vector<vertex> remove_subtree(vertex top);

  // -- vertices ---------------------------------------------------------------------------------

  size_t size() const { return records_.size() - free_.size(); }        ///< Vertices that exist.
  vertex limit() const { return static_cast<vertex>(records_.size()); } ///< All are below it.
  bool exists(vertex v) const { return v < spots_.size() && spots_[v].type != no_type; }

  type_id type(vertex v) const { return spots_[v].type; }
  int64_t id(vertex v) const {
    auto id = spots_[v].id;
    return id != large ? id : large_ids_.at(v);
  }
  int64_t uniq_id(vertex v) const { return records_[v].uniq_id; }
  int64_t units(vertex v) const {
    auto units = spots_[v].units;
    return units != large ? units : large_units_.at(v);
  }
  int32_t rank(vertex v) const { return records_[v].rank; }
  vertex_status status(vertex v) const { return spots_[v].status; }
  std::string_view type_name(vertex v) const { return types_.text(spots_[v].type); }
  std::string_view basename(vertex v) const { return names_.text(records_[v].basename); }
  std::string_view unit(vertex v) const { return names_.text(records_[v].unit); }
  std::string name(vertex v) const;
  const vertex_properties& properties(vertex v) const;

  /// "/cluster0/rack1/node3"; "" when the vertex is not in the subsystem. O(depth).
  std::string path(vertex v, subsystem_id s = containment) const;

  void set_status(vertex v, vertex_status s);
  void set_properties(vertex v, const vertex_properties& p);
  void set_property(vertex v, const std::string& key, const std::string& value);
  void remove_property(vertex v, const std::string& key);
  void set_rank(vertex v, int32_t rank);

  // -- edges ------------------------------------------------------------------------------------

  size_t subsystem_count() const { return subsystems_.size(); }
  const std::string& subsystem_name(subsystem_id s) const { return subsystems_[s].name; }
  std::optional<subsystem_id> find_subsystem(std::string_view name) const;

  /// In the order in which the edges were added.
  std::span<const vertex> below(vertex v, subsystem_id s = containment) const {
    return subsystems_[s].down.of(v);
  }
  /// What is to be found below it without being contained in it.
  std::span<const vertex> linked(vertex v) const { return links_down_.of(v); }
  bool has_links() const { return links_down_.edges() > 0; }
  /// Something is contained in it.
  bool has_below(vertex v) const { return spots_[v].contains; }
  /// Nothing is contained in it, or to be found below it.
  bool is_leaf(vertex v) const { return !has_below(v) && linked(v).empty(); }
  std::span<const vertex> above(vertex v, subsystem_id s) const {
    if (s != containment)
      return subsystems_[s].up.of(v);
    return parent(v) == no_vertex ? std::span<const vertex>{} : std::span{&spots_[v].parent, 1};
  }
  /// The vertex that contains it; no_vertex for the root.
  vertex parent(vertex v) const { return v < spots_.size() ? spots_[v].parent : no_vertex; }
  /// Its position in below(parent(v)).
  uint32_t place(vertex v) const { return spots_[v].place; }
  /// What it contains is in ascending order of uniq_id.
  bool is_ascending(vertex v) const { return !spots_[v].shuffled; }
  std::string_view relation(vertex from, vertex to, subsystem_id s) const;
  size_t edge_count(subsystem_id s) const { return subsystems_[s].down.edges(); }

  /// The vertex above all others; no_vertex when the subsystem has no edge. A graph of one vertex
  /// is its own root in containment.
  vertex root(subsystem_id s = containment) const { return subsystems_[s].root; }

  // -- finding ----------------------------------------------------------------------------------

  /// no_type when no vertex ever had it.
  type_id find_type(std::string_view name) const;
  const symbols& types() const { return types_; }

  /// By path; of several that have it, one of that rank if there is one, else the first.
  /// O(depth x children).
  vertex find_path(std::string_view path, subsystem_id s = containment, int32_t rank = -1) const;

  /// All vertices of a rank.
  std::span<const vertex> of_rank(int32_t rank) const;

  /// Vertices of a type that exist.
  uint64_t count(type_id t) const { return t < counts_.size() ? counts_[t] : 0; }

  /// Grows with every change of vertices, edges, status or properties: what was computed from the
  /// graph before may be wrong.
  uint64_t version() const { return version_; }

  /// The same for all but status.
  uint64_t facts_version() const { return facts_version_; }

  /// The same for vertices and edges alone.
  uint64_t shape_version() const { return shape_version_; }

  size_t bytes() const; ///< Memory in use, about.

  /// Tells the processor that a walk will come by [first, last) soon.
  void prefetch(vertex first, vertex last) const;
  /// The same of what it contains and its seldom asked facts. Worth it once what prefetch() told of
  /// is there.
  void prefetch_below(vertex v) const;

private:
  struct record {
    int64_t uniq_id = -1;
    int32_t rank = -1;
    uint32_t basename = 0;   // symbol
    uint32_t name = 0;       // symbol; 0: made of basename and id
    uint32_t properties = 0; // in property_sets_; 0: none
    uint16_t unit = 0;       // symbol
  };

  /// What a walk asks of every vertex that it comes by.
  struct spot {
    vertex parent = no_vertex; // what contains it
    uint32_t place = 0;        // in below(parent)
    int32_t id = -1;           // large: in large_ids_
    int32_t units = 0;         // large: in large_units_
    type_id type = no_type;    // no_type: does not exist
    vertex_status status = vertex_status::up;
    bool contains : 1 = false; // something
    bool shuffled : 1 = false; // what it contains is not in ascending order of uniq_id
  };
  static_assert(sizeof(spot) == 20);
  static constexpr int32_t large = INT32_MAX;

  struct subsystem {
    std::string name;
    uint32_t relation = 0; // symbol: of the first edge, and of all that are not in `relations`
    adjacency down;
    adjacency up;                                     // of containment: spots_
    std::unordered_map<uint64_t, uint32_t> relations; // by edge
    vertex root = no_vertex;
    bool cyclic = false; // seen while the root was looked for
  };

  caf::error refuse_edge(vertex from, vertex to, subsystem_id s, std::string_view why) const;
  static uint64_t edge_key(vertex from, vertex to) { return uint64_t{from} << 32 | to; }
  void climb(subsystem_id s);
  void forget(vertex v);
  bool has_name(vertex v, std::string_view name) const;
  caf::error check_names() const;

  std::vector<record> records_;
  std::vector<spot> spots_;                                     // beside records_
  std::unordered_map<vertex, int64_t> large_ids_, large_units_; // what 32 bits cannot tell
  std::vector<vertex> free_;
  std::vector<subsystem> subsystems_;
  adjacency links_down_, links_up_;
  symbols types_, names_;
  std::vector<uint64_t> counts_; // by type
  std::vector<vertex_properties> property_sets_{1};
  std::map<vertex_properties, uint32_t> property_index_;
  std::unordered_map<int32_t, std::vector<vertex>> by_rank_;
  uint64_t version_ = 1;
  uint64_t facts_version_ = 1;
  uint64_t shape_version_ = 1;

  /// Something has changed that is neither status nor shape.
  void new_facts() {
    ++version_;
    ++facts_version_;
  }
  void new_shape() {
    new_facts();
    ++shape_version_;
  }
};

} // namespace hactor
