// One subsystem of a resource graph as Boost.Graph sees it: a VertexListGraph and
// BidirectionalGraph, so that Boost's algorithms run on it. Its vertices are all that exist.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <utility>

#include <boost/graph/graph_traits.hpp>
#include <boost/graph/properties.hpp>
#include <boost/iterator/counting_iterator.hpp>
#include <boost/iterator/filter_iterator.hpp>
#include <boost/iterator/transform_iterator.hpp>
#include <boost/property_map/property_map.hpp>

#include "graph/resource_graph.hpp"

namespace hactor {

/// Refers to the graph; costs nothing to copy.
struct subsystem_view {
  const resource_graph* graph;
  subsystem_id subsystem = containment;
};

namespace boost_view {

using edge = std::pair<vertex, vertex>; // from, to

struct exists_in {
  const resource_graph* graph = nullptr;
  bool operator()(vertex v) const { return graph->exists(v); }
};
struct edge_to {
  vertex from = no_vertex;
  edge operator()(vertex to) const { return {from, to}; }
};
struct edge_from {
  vertex to = no_vertex;
  edge operator()(vertex from) const { return {from, to}; }
};

struct category : boost::bidirectional_graph_tag, boost::vertex_list_graph_tag {};

using vertex_iterator = boost::filter_iterator<exists_in, boost::counting_iterator<vertex>>;
using out_edge_iterator = boost::transform_iterator<edge_to, const vertex*, edge, edge>;
using in_edge_iterator = boost::transform_iterator<edge_from, const vertex*, edge, edge>;

} // namespace boost_view

inline std::pair<boost_view::vertex_iterator, boost_view::vertex_iterator>
vertices(const subsystem_view& g) {
  boost_view::exists_in here{g.graph};
  boost::counting_iterator<vertex> begin{0}, end{g.graph->limit()};
  return {{here, begin, end}, {here, end, end}};
}
inline size_t num_vertices(const subsystem_view& g) { return g.graph->limit(); }

inline std::pair<boost_view::out_edge_iterator, boost_view::out_edge_iterator>
out_edges(vertex v, const subsystem_view& g) {
  auto to = g.graph->below(v, g.subsystem);
  boost_view::edge_to make{v};
  return {{to.data(), make}, {to.data() + to.size(), make}};
}
inline size_t out_degree(vertex v, const subsystem_view& g) {
  return g.graph->below(v, g.subsystem).size();
}

inline std::pair<boost_view::in_edge_iterator, boost_view::in_edge_iterator>
in_edges(vertex v, const subsystem_view& g) {
  auto from = g.graph->above(v, g.subsystem);
  boost_view::edge_from make{v};
  return {{from.data(), make}, {from.data() + from.size(), make}};
}
inline size_t in_degree(vertex v, const subsystem_view& g) {
  return g.graph->above(v, g.subsystem).size();
}
inline size_t degree(vertex v, const subsystem_view& g) {
  return in_degree(v, g) + out_degree(v, g);
}

inline vertex source(const boost_view::edge& e, const subsystem_view&) { return e.first; }
inline vertex target(const boost_view::edge& e, const subsystem_view&) { return e.second; }

inline boost::typed_identity_property_map<vertex> get(boost::vertex_index_t,
                                                      const subsystem_view&) {
  return {};
}

} // namespace hactor

template <>
struct boost::graph_traits<hactor::subsystem_view> {
  using vertex_descriptor = hactor::vertex;
  using edge_descriptor = hactor::boost_view::edge;
  using directed_category = boost::bidirectional_tag;
  using edge_parallel_category = boost::disallow_parallel_edge_tag;
  using traversal_category = hactor::boost_view::category;
  using vertex_iterator = hactor::boost_view::vertex_iterator;
  using out_edge_iterator = hactor::boost_view::out_edge_iterator;
  using in_edge_iterator = hactor::boost_view::in_edge_iterator;
  using vertices_size_type = size_t;
  using degree_size_type = size_t;
  static vertex_descriptor null_vertex() { return hactor::no_vertex; }
};

template <>
struct boost::property_map<hactor::subsystem_view, boost::vertex_index_t> {
  using type = boost::typed_identity_property_map<hactor::vertex>;
  using const_type = type;
};
