// See reapi_cli.h: the C++ functions, with texts and numbers as C has them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "reapi/reapi_cli.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "reapi/answers.hpp"
#include "reapi/reapi_cli.hpp"

using Flux::resource_model::detail::reapi_cli_t;
using Flux::resource_model::detail::resource_query_t;
using hactor::reapi::copy_of;
using hactor::reapi::refuse_call;

struct reapi_cli_ctx {
  std::unique_ptr<resource_query_t> query;
  std::string error;
};

namespace {

constexpr std::pair<match_op_t, const char*> operations[] = {
    {MATCH_ALLOCATE, "allocate"},
    {MATCH_ALLOCATE_W_SATISFIABILITY, "allocate_with_satisfiability"},
    {MATCH_ALLOCATE_ORELSE_RESERVE, "allocate_orelse_reserve"},
    {MATCH_SATISFIABILITY, "satisfiability"},
    {MATCH_WITHOUT_ALLOCATING, "without_allocating"},
    {MATCH_WITHOUT_ALLOCATING_FUTURE, "without_allocating_future"},
    {MATCH_RESERVE, "reserve"},
};

bool is_ready(const reapi_cli_ctx_t* ctx) { return ctx != nullptr && ctx->query != nullptr; }

bool is_status(resource_status_t s) { return s == RESOURCE_UP || s == RESOURCE_DOWN; }

/// Calls f, moves what it has to say into the context, and lets nothing be thrown into C.
template <class F>
int call(reapi_cli_ctx_t* ctx, F f) {
  auto refused = [&](const char* why, int code) {
    ctx->error += std::string{"ERROR: "} + why + "\n";
    errno = code;
    return -1;
  };
  try {
    auto result = f();
    auto code = errno;
    ctx->error += reapi_cli_t::get_err_message();
    reapi_cli_t::clear_err_message();
    errno = code;
    return result;
  } catch (const std::bad_alloc&) {
    return refused("there is no memory", ENOMEM);
  } catch (const std::exception& e) {
    return refused(e.what(), EPROTO);
  }
}

} // namespace

extern "C" {

const char* match_op_to_string(match_op_t match_op) {
  for (auto& [op, name] : operations)
    if (op == match_op)
      return name;
  return "error";
}

match_op_t match_op_from_string(const char* str) {
  for (auto& [op, name] : operations)
    if (str != nullptr && std::string_view{name} == str)
      return op;
  return MATCH_UNKNOWN;
}

bool match_op_valid(match_op_t match_op) {
  return match_op > MATCH_UNKNOWN && match_op < END_MATCH_OP_T;
}

reapi_cli_ctx_t* reapi_cli_new(void) { return hactor::reapi::make_context<reapi_cli_ctx_t>(); }

void reapi_cli_destroy(reapi_cli_ctx_t* ctx) { hactor::reapi::end_context(ctx); }

int reapi_cli_initialize(reapi_cli_ctx_t* ctx, const char* rgraph, const char* options) {
  if (ctx == nullptr || rgraph == nullptr || options == nullptr)
    return refuse_call();
  return call(ctx, [&] {
    ctx->query = std::make_unique<resource_query_t>(rgraph, options);
    return 0;
  });
}

reapi_cli_ctx_t* reapi_cli_clone(reapi_cli_ctx_t* ctx) {
  if (!is_ready(ctx)) {
    refuse_call();
    return nullptr;
  }
  std::unique_ptr<reapi_cli_ctx_t> twin;
  call(ctx, [&] {
    auto made = std::make_unique<reapi_cli_ctx_t>();
    made->query = std::make_unique<resource_query_t>(*ctx->query);
    twin = std::move(made);
    return 0;
  });
  return twin.release();
}

int reapi_cli_match_with_jobid(reapi_cli_ctx_t* ctx, match_op_t match_op, const char* jobspec,
                               uint64_t jobid, bool* reserved, char** R, int64_t* at, double* ov) {
  if (!is_ready(ctx) || jobspec == nullptr || reserved == nullptr || R == nullptr || at == nullptr
      || ov == nullptr)
    return refuse_call();
  return call(ctx, [&] {
    std::string text;
    auto result = reapi_cli_t::match_allocate(ctx->query.get(), match_op, jobspec, jobid, *reserved,
                                              text, *at, *ov);
    auto code = errno; // which tells why nothing was found
    if (result == 0)
      *R = copy_of(text);
    errno = code;
    return result;
  });
}

int reapi_cli_match(reapi_cli_ctx_t* ctx, match_op_t match_op, const char* jobspec, uint64_t* jobid,
                    bool* reserved, char** R, int64_t* at, double* ov) {
  if (!is_ready(ctx) || jobid == nullptr)
    return refuse_call();
  auto next = ctx->query->get_job_counter();
  auto result = reapi_cli_match_with_jobid(ctx, match_op, jobspec, next, reserved, R, at, ov);
  if (result == 0)
    *jobid = next;
  return result;
}

int reapi_cli_match_allocate(reapi_cli_ctx_t* ctx, bool orelse_reserve, const char* jobspec,
                             uint64_t* jobid, bool* reserved, char** R, int64_t* at, double* ov) {
  return reapi_cli_match(ctx, orelse_reserve ? MATCH_ALLOCATE_ORELSE_RESERVE : MATCH_ALLOCATE,
                         jobspec, jobid, reserved, R, at, ov);
}

int reapi_cli_match_satisfy(reapi_cli_ctx_t* ctx, const char* jobspec, bool* sat, double* ov) {
  if (!is_ready(ctx) || jobspec == nullptr || sat == nullptr || ov == nullptr)
    return refuse_call();
  uint64_t jobid = 0;
  auto reserved = false;
  char* R = nullptr;
  int64_t at = 0;
  auto result = reapi_cli_match(ctx, MATCH_SATISFIABILITY, jobspec, &jobid, &reserved, &R, &at, ov);
  auto code = errno;
  *sat = result == 0 && code == 0;
  std::free(R);
  errno = code;
  return result;
}

int reapi_cli_update_allocate(reapi_cli_ctx_t* ctx, const uint64_t jobid, const char* R,
                              int64_t* at, double* ov, const char** R_out) {
  if (!is_ready(ctx) || R == nullptr || at == nullptr || ov == nullptr || R_out == nullptr)
    return refuse_call();
  return call(ctx, [&] {
    std::string text;
    auto result = reapi_cli_t::update_allocate(ctx->query.get(), jobid, R, *at, *ov, text);
    if (result == 0)
      *R_out = copy_of(text);
    return result;
  });
}

int reapi_cli_add_subgraph(reapi_cli_ctx_t* ctx, const char* R_subgraph) {
  if (!is_ready(ctx) || R_subgraph == nullptr)
    return refuse_call();
  return call(ctx, [&] { return reapi_cli_t::add_subgraph(ctx->query.get(), R_subgraph); });
}

int reapi_cli_remove_subgraph(reapi_cli_ctx_t* ctx, const char* subgraph_path) {
  if (!is_ready(ctx) || subgraph_path == nullptr)
    return refuse_call();
  return call(ctx, [&] { return reapi_cli_t::remove_subgraph(ctx->query.get(), subgraph_path); });
}

int reapi_cli_cancel(reapi_cli_ctx_t* ctx, const uint64_t jobid, bool noent_ok) {
  if (!is_ready(ctx))
    return refuse_call();
  return call(ctx, [&] { return reapi_cli_t::cancel(ctx->query.get(), jobid, noent_ok); });
}

int reapi_cli_partial_cancel(reapi_cli_ctx_t* ctx, const uint64_t jobid, const char* R,
                             bool noent_ok, bool* full_removal) {
  if (!is_ready(ctx) || R == nullptr || full_removal == nullptr)
    return refuse_call();
  return call(ctx, [&] {
    return reapi_cli_t::cancel(ctx->query.get(), jobid, R, noent_ok, *full_removal);
  });
}

int reapi_cli_info(reapi_cli_ctx_t* ctx, const uint64_t jobid, char** mode, bool* reserved,
                   int64_t* at, double* ov) {
  if (!is_ready(ctx) || mode == nullptr || reserved == nullptr || at == nullptr || ov == nullptr)
    return refuse_call();
  return call(ctx, [&] {
    std::string text;
    auto result = reapi_cli_t::info(ctx->query.get(), jobid, text, *reserved, *at, *ov);
    if (result == 0)
      *mode = copy_of(text);
    return result;
  });
}

int reapi_cli_find(reapi_cli_ctx_t* ctx, const char* criteria, const char* format, char** R) {
  if (!is_ready(ctx) || criteria == nullptr || R == nullptr)
    return refuse_call();
  return call(ctx, [&] {
    std::string text;
    auto how = format == nullptr ? std::nullopt : std::optional<std::string>{format};
    auto result = reapi_cli_t::find(ctx->query.get(), criteria, text, how);
    if (result == 0)
      *R = text.empty() ? nullptr : copy_of(text);
    return result;
  });
}

int reapi_cli_stat(reapi_cli_ctx_t* ctx, int64_t* V, int64_t* E, int64_t* J, double* load,
                   double* min, double* max, double* avg) {
  for (auto* number : {V, E, J})
    if (number == nullptr)
      return refuse_call();
  for (auto* number : {load, min, max, avg})
    if (number == nullptr)
      return refuse_call();
  if (!is_ready(ctx))
    return refuse_call();
  return call(ctx, [&] {
    return reapi_cli_t::stat(ctx->query.get(), *V, *E, *J, *load, *min, *max, *avg);
  });
}

int reapi_cli_set_status(reapi_cli_ctx_t* ctx, const char* resource_path,
                         resource_status_t status) {
  if (!is_ready(ctx) || resource_path == nullptr || !is_status(status))
    return refuse_call();
  return call(ctx,
              [&] { return reapi_cli_t::set_status(ctx->query.get(), resource_path, status); });
}

int reapi_cli_get_status(reapi_cli_ctx_t* ctx, const char* resource_path,
                         resource_status_t* status) {
  if (!is_ready(ctx) || resource_path == nullptr || status == nullptr)
    return refuse_call();
  return call(ctx,
              [&] { return reapi_cli_t::get_status(ctx->query.get(), resource_path, *status); });
}

int reapi_cli_set_rank_status(reapi_cli_ctx_t* ctx, const char* ranks, resource_status_t status) {
  if (!is_ready(ctx) || !is_status(status))
    return refuse_call();
  return call(ctx, [&] { return reapi_cli_t::set_rank_status(ctx->query.get(), ranks, status); });
}

int reapi_cli_get_rank_status(reapi_cli_ctx_t* ctx, const char* rank, resource_status_t* status) {
  if (!is_ready(ctx) || status == nullptr)
    return refuse_call();
  return call(ctx, [&] { return reapi_cli_t::get_rank_status(ctx->query.get(), rank, *status); });
}

const char* reapi_cli_get_err_msg(reapi_cli_ctx_t* ctx) {
  if (ctx == nullptr) {
    errno = EINVAL;
    return ::strdup("ERROR: there is no context\n");
  }
  return ::strdup(ctx->error.c_str());
}

void reapi_cli_clear_err_msg(reapi_cli_ctx_t* ctx) {
  if (ctx != nullptr)
    ctx->error.clear();
}

} // extern "C"
