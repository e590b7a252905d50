// Fluxion's resource API (REAPI) in C++, over hactor's graph; see reapi_cli.h for what the
// functions do. Where Fluxion's find returns a json_t of Jansson, this one returns the text.
// Installed as hactor/reapi/reapi_cli.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "match_op.h"
#include "resource_status.h"

namespace hactor::reapi {
class session;
}

namespace Flux::resource_model::detail {

/// A resource graph with its jobs: what the functions of reapi_cli_t are given as `h`.
class resource_query_t {
public:
  /// Without a graph: every function fails until one is assigned.
  resource_query_t();
  /// `rgraph` is the text of a graph, `options` JSON. Throws std::runtime_error.
  resource_query_t(const std::string& rgraph, const std::string& options);
  /// The same graph and jobs, which go their own way from now on.
  resource_query_t(const resource_query_t& other);
  resource_query_t& operator=(const resource_query_t& other);
  ~resource_query_t();

  const std::string& get_resource_query_err_msg() const;
  void clear_resource_query_err_msg();
  bool job_exists(uint64_t jobid) const;
  bool reservation_exists(uint64_t jobid) const;
  bool allocation_exists(uint64_t jobid) const;
  /// The number of the next job.
  uint64_t get_job_counter() const;
  /// Vertices visited by the last match, on the way down and completely.
  unsigned int preorder_count() const;
  unsigned int postorder_count() const;

private:
  friend class reapi_cli_t;
  std::unique_ptr<hactor::reapi::session> session_;
  std::string error_;
};

/// All return 0, or -1 with errno and get_err_message(), which grows until it is cleared.
class reapi_cli_t {
public:
  static int match_allocate(void* h, match_op_t match_op, const std::string& jobspec,
                            uint64_t jobid, bool& reserved, std::string& R, int64_t& at,
                            double& ov);
  static int update_allocate(void* h, uint64_t jobid, const std::string& R, int64_t& at, double& ov,
                             std::string& R_out);
  static int add_subgraph(void* h, const std::string& R_subgraph);
  static int remove_subgraph(void* h, const std::string& path);
  static int cancel(void* h, uint64_t jobid, bool noent_ok);
  static int cancel(void* h, uint64_t jobid, const std::string& R, bool noent_ok,
                    bool& full_removal);
  static int find(void* h, const std::string& criteria, std::string& o,
                  const std::optional<std::string>& format = {});
  static int info(void* h, uint64_t jobid, std::string& mode, bool& reserved, int64_t& at,
                  double& ov);
  static int stat(void* h, int64_t& V, int64_t& E, int64_t& J, double& load, double& min,
                  double& max, double& avg);
  static int set_status(void* h, const std::string& path, resource_status_t status);
  static int get_status(void* h, const std::string& path, resource_status_t& status);
  static int set_rank_status(void* h, const char* ranks, resource_status_t status);
  static int get_rank_status(void* h, const char* rank, resource_status_t& status);
  static unsigned int preorder_count(void* h);
  static unsigned int postorder_count(void* h);
  static const std::string& get_err_message();
  static void clear_err_message();
};

} // namespace Flux::resource_model::detail
