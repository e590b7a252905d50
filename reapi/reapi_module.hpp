// Fluxion's resource API (REAPI) in module mode, in C++: see reapi_module.h for what the functions
// do. `h` is what hactor_reapi_open returns. Where Fluxion's find has a json_t of Jansson, this one
// has the text. Installed as hactor/reapi/reapi_module.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "match_op.h"
#include "reapi_module.h"

namespace Flux::resource_model::detail {

/// All return 0, or -1 with errno; hactor_reapi_error(h) has the sentence.
class reapi_module_t {
public:
  static int match_allocate(void* h, match_op_t match_op, const std::string& jobspec,
                            uint64_t jobid, bool& reserved, std::string& R, int64_t& at,
                            double& ov);
  /// MATCH_ALLOCATE_ORELSE_RESERVE or MATCH_ALLOCATE_W_SATISFIABILITY.
  static int match_allocate(void* h, bool orelse_reserve, const std::string& jobspec,
                            uint64_t jobid, bool& reserved, std::string& R, int64_t& at,
                            double& ov);
  static int update_allocate(void* h, uint64_t jobid, const std::string& R, int64_t& at, double& ov,
                             std::string& R_out);
  static int cancel(void* h, uint64_t jobid, bool noent_ok);
  static int cancel(void* h, uint64_t jobid, const std::string& R, bool noent_ok,
                    bool& full_removal);
  static int find(void* h, const std::string& criteria, std::string& o,
                  const std::optional<std::string>& format = {});
  static int info(void* h, uint64_t jobid, bool& reserved, int64_t& at, double& ov);
  static int stat(void* h, int64_t& V, int64_t& E, int64_t& J, double& load, double& min,
                  double& max, double& avg);
};

} // namespace Flux::resource_model::detail
