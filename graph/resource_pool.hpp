// The resources of an instance and what its jobs hold of them, as the scheduler sees it: graph,
// ledger and matcher together. Nodes are known by rank here: up, down, drained, added and removed
// while jobs run; grants come out, and go back in after a restart, as R.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/ledger.hpp"
#include "graph/match_policy.hpp"
#include "graph/match_request.hpp"
#include "graph/match_writer.hpp"
#include "graph/matcher.hpp"
#include "graph/request.hpp"
#include "graph/resource_graph.hpp"
#include "graph/rset.hpp"
#include "graph/rset_extra.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// Sums over the pool. Usable: up and not drained.
struct pool_counts {
  uint32_t nodes = 0;
  uint32_t nodes_down = 0;
  uint32_t nodes_drained = 0; ///< May be down too.
  uint64_t cores = 0;
  uint64_t cores_free = 0; ///< On usable nodes.
  uint64_t gpus = 0;
  uint64_t gpus_free = 0; ///< On usable nodes.

  friend bool operator==(const pool_counts&, const pool_counts&) = default;
};

using match_request_ptr = std::shared_ptr<const match_request>;

/// How an instance is set to match, besides its policy.
struct pool_options {
  bool flexible = false;   ///< Requests may have "or_slot"s and "xor_slot"s.
  bool graph_in_r = false; ///< R has what was granted as a graph, too.
  std::string counted;     ///< A pruning filter: types that are counted below others as well.
};

/// An R is read whole wherever the job has ranks: its graph must leave room for the rest.
inline constexpr size_t graph_in_r_bytes_max = rset_bytes_max / 2;

class resource_pool {
public:
  /// Ranks are up. Errors: ec::bad_argument (a node with a rank but without a core, two nodes of
  /// one rank; options.counted).
  static caf::expected<std::unique_ptr<resource_pool>>
  make(resource_graph graph, std::shared_ptr<const match_policy> policy, pool_options options = {});

  resource_pool(const resource_pool&) = delete;
  resource_pool& operator=(const resource_pool&) = delete;

  // -- nodes ------------------------------------------------------------------------------------

  /// Ranks, hosts, cores, GPUs and properties; what else there is only the graph tells.
  const rset& inventory() const { return inventory_; }
  const resource_graph& graph() const { return *graph_; }

  /// What is up or down, and what is drained, is told rank by rank. False when nothing changes.
  bool set_up(rank_t rank, bool up);
  bool set_drained(rank_t rank, bool drained);

  /// Makes ranks, cores, GPUs and properties those of `wanted`, beneath the root, and leaves the
  /// rest alone. Jobs lose what they held of what goes. Requests must be compiled again. O(nodes +
  /// what changes).
  caf::error change_nodes(const rset& wanted);

  // -- the graph, while jobs run (resource_pool_change.cpp) --------------------------------------
  // Nothing may be reserved; requests must be compiled again. A path is one of containment, or of
  // the first other subsystem that has it; "rank3/core0" begins at the node of a rank; "" is the
  // root. Errors of all: ec::bad_argument, when there is no such vertex.

  /// Adds what is new in a JGF, and returns the paths of its topmost vertices. `ranks`: those that
  /// new nodes may have. Errors, after which all is as it was: those of attach_jgf;
  /// ec::bad_argument: another rank, two nodes of one rank, a core without a rank.
  caf::expected<std::vector<std::string>> attach(std::string_view jgf, const idset& ranks);

  /// Removes a vertex and all that it contains. Errors: ec::busy, naming a job that holds some of
  /// it; ec::bad_argument: the root, the last core of a node, what holds others in a subsystem.
  caf::error detach(const std::string& path);

  /// By a person; what is told rank by rank comes on top: a vertex is used when both say up.
  caf::error set_status(const std::string& path, vertex_status status);
  caf::error set_property(const std::string& path, const std::string& key,
                          const std::string& value);
  /// Errors: ec::unknown_key.
  caf::error remove_property(const std::string& path, const std::string& key);
  caf::expected<vertex_properties> properties(const std::string& path) const;

  /// The vertex and what is directly below it, a line each, for a person.
  caf::expected<std::vector<std::string>> show(const std::string& path, int64_t now) const;

  /// The vertices for which an expression (find_expression.hpp) is true, a line each. Errors:
  /// ec::bad_argument; ec::too_big: more than 100,000.
  caf::expected<std::vector<std::string>> find(std::string_view expression, int64_t now) const;
  /// The same as the text of a match. Errors: ec::bad_argument.
  caf::expected<std::string> find_as(std::string_view expression, match_format format,
                                     int64_t now) const;

  /// Cores and GPUs at or below what a person has marked as down.
  rset switched_off() const;

  /// The graph, to make another pool of. What was told rank by rank is not in it. The pool is of no
  /// use any more.
  resource_graph take_graph();

  // -- requests ---------------------------------------------------------------------------------

  /// `where`: a constraint (RFC 31) besides the job's own, or null. Errors: as compile_match;
  /// ec::bad_jobspec: slots that are a choice, where requests are not read so.
  caf::expected<match_request_ptr> compile(const jobspec& wants, const json& where) const;

  /// `now` in seconds. Nothing is held yet.
  match_result match(const match_request_ptr& request, match_op op, int64_t now) {
    return (op == match_op::satisfiable ? *judge_ : *matcher_).match(request, op, now);
  }

  // -- holding ----------------------------------------------------------------------------------

  /// Requires: the selection is what match returned, and nothing has happened since.
  void hold(job_id job, selection what, hold_kind kind);

  /// Moves the end of what a job holds: seconds since the epoch, 0: never. No effect when it holds
  /// nothing. Requires: nothing is reserved.
  void set_end(job_id job, double expiration);

  /// False when the job holds nothing.
  bool release(job_id job) { return ledger_->release(job.value); }
  bool release_ranks(job_id job, const idset& ranks) {
    return ledger_->release_ranks(job.value, ranks);
  }

  /// Null when the job holds nothing.
  const ledger::holding* find(job_id job) const { return ledger_->find(job.value); }
  const ledger& held() const { return *ledger_; }

  /// The R of a selection, without times. Its `scheduling` says what cores and GPUs cannot
  /// (rset_extra.hpp), and, with options.graph_in_r, all of it as a graph, unless that is larger
  /// than graph_in_r_bytes_max. Empty when the selection has neither cores nor GPUs.
  rset r_of(const selection& what, const resource_request& request) const;

  /// The part of the graph that a job holds (granted_graph.hpp), its cores and GPUs with the ids
  /// that R has. Errors: ec::bad_argument when it holds nothing.
  caf::expected<resource_graph> granted(job_id job) const;

  /// Holds what an R says and the graph has (restart), from its start to its end. A job that held
  /// something holds the new instead. Errors: ec::busy, naming the vertex, and the job holds
  /// nothing.
  caf::error take(job_id job, const rset& r, hold_kind kind = hold_kind::allocated);

  /// The same with the text of an R, or of a graph within it (JGF), all of which must be there;
  /// what does not say when it begins does so at `now`. Returns the R. Errors: those of parse_rset
  /// and read_allocation; ec::bad_argument (the graph lacks some of it), ec::busy.
  caf::expected<rset> take_text(job_id job, const std::string& text, int64_t now);

  /// Releases the part of what a job holds that such a text names, and returns the R of what is
  /// left, without times. Requires: the job holds something. Errors: those of release_part.
  caf::expected<rset> release_text(job_id job, const std::string& text);

  // -- sums -------------------------------------------------------------------------------------

  /// O(nodes).
  pool_counts counts(int64_t now) const;

  /// What is free on usable nodes. O(cores).
  rset available(int64_t now) const { return unheld(now, true); }

  /// What no job holds, on all nodes or on the usable ones. O(cores).
  rset unheld(int64_t now, bool usable_only = false) const;

private:
  struct node {
    vertex top = no_vertex; ///< no_vertex: the rank is not there.
    bool up = true;
    bool drained = false;
    bool off = false;                               ///< Marked as down by a person.
    std::vector<std::pair<uint32_t, vertex>> cores; ///< By id.
    std::vector<std::pair<uint32_t, vertex>> gpus;
    bool scattered = false; ///< Cores below one vertex do not stand together by id.

    bool usable() const { return up && !drained && !off; }
  };
  class change;

  caf::error hold_if_free(job_id job, selection what, hold_kind kind);
  resource_pool(resource_graph graph, std::shared_ptr<const match_policy> policy,
                pool_options options);

  void make_matchers();
  caf::error learn_nodes();
  caf::error learn_node(rank_t rank);
  void learn_types();
  void learn_inventory();
  node* find_node(rank_t rank);
  const node* find_node(rank_t rank) const;
  void set_status(node& n);
  struct place {
    vertex at = no_vertex;
    subsystem_id in = containment;
  };
  caf::expected<place> at_path(const std::string& path) const;
  vertex at_rank(std::string_view path) const;
  caf::error learn_attached(const std::vector<vertex>& tops, const idset& ranks);
  caf::error keeps_whole(const std::vector<vertex>& gone) const;
  std::optional<job_id> holder_of(const std::vector<vertex>& some) const;
  std::string line_of(vertex v, subsystem_id s, int64_t now) const;
  void graph_changed();
  bool is_off(vertex v) const;
  bool is_below_off(vertex v) const;
  bool is_reachable(vertex v) const;
  bool is_leaf_of_rank(vertex v) const;
  void add_below(vertex v, rset_extra& extra, std::map<rank_t, node_share>& shares) const;
  void add_slots(const selection& what, const resource_request& request, const rset& r,
                 rset_extra& extra) const;
  void add_near(const rset& r, rset_extra& extra) const;
  bool is_free(vertex v, int64_t now) const;
  node_share free_share(rank_t rank, int64_t now, bool usable_only) const;

  std::unique_ptr<resource_graph> graph_;
  std::unique_ptr<ledger> ledger_;
  std::unique_ptr<matcher> matcher_;
  std::unique_ptr<matcher> judge_; ///< Of what is possible: takes what fits first, best or not.
  std::shared_ptr<const match_policy> policy_;
  pool_options options_;
  type_id core_ = no_type, gpu_ = no_type, node_ = no_type;
  std::vector<node> nodes_; ///< By rank.
  rset inventory_;
  property_map job_properties_; ///< Those that a grant shows.
};

} // namespace hactor
