// See reapi_module.h. Thin: the C++ binding does the work, here errors cannot be exceptions.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <new>

#include "reapi/answers.hpp"
#include "reapi/connection.hpp"
#include "reapi/reapi_module.hpp"

using Flux::resource_model::detail::reapi_module_t;
using hactor::reapi::connection;
using hactor::reapi::copy_of;
using hactor::reapi::refuse_call;

struct reapi_module_ctx {
  void* handle = nullptr;
};

namespace {

template <class... Pointers>
bool any_null(const reapi_module_ctx_t* ctx, const Pointers*... all) {
  return ctx == nullptr || ctx->handle == nullptr || ((all == nullptr) || ...);
}

/// Calls `body`, which must not end by an exception in C.
template <class Body>
int call(Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
  } catch (const std::exception&) {
    errno = EPROTO;
  }
  return -1;
}

} // namespace

extern "C" {

void* hactor_reapi_open(const char* uri, int flags) {
  void* handle = nullptr;
  call([&] {
    auto made = connection::open(uri, (flags & HACTOR_REAPI_KEEP) != 0);
    if (!made) {
      errno = hactor::code_of(made.error()) == hactor::ec::bad_argument ? EINVAL : ENOTCONN;
      return -1;
    }
    handle = made->release();
    return 0;
  });
  return handle;
}

void hactor_reapi_close(void* handle) {
  hactor::reapi::end_context(static_cast<connection*>(handle));
}

const char* hactor_reapi_error(void* handle) {
  return handle == nullptr ? "there is no handle"
                           : static_cast<connection*>(handle)->error().c_str();
}

reapi_module_ctx_t* reapi_module_new(void) {
  return hactor::reapi::make_context<reapi_module_ctx_t>();
}

void reapi_module_destroy(reapi_module_ctx_t* ctx) { hactor::reapi::end_context(ctx); }

int reapi_module_set_handle(reapi_module_ctx_t* ctx, void* handle) {
  if (ctx == nullptr)
    return refuse_call();
  ctx->handle = handle;
  return 0;
}

void* reapi_module_get_handle(reapi_module_ctx_t* ctx) {
  if (ctx == nullptr)
    errno = EINVAL;
  return ctx == nullptr ? nullptr : ctx->handle;
}

int reapi_module_match(reapi_module_ctx_t* ctx, match_op_t match_op, const char* jobspec,
                       const uint64_t jobid, bool* reserved, char** R, int64_t* at, double* ov) {
  if (any_null(ctx, jobspec, reserved, R, at, ov))
    return refuse_call();
  return call([&] {
    std::string text;
    auto result = reapi_module_t::match_allocate(ctx->handle, match_op, jobspec, jobid, *reserved,
                                                 text, *at, *ov);
    if (result == 0)
      *R = copy_of(text);
    return result;
  });
}

int reapi_module_match_allocate(reapi_module_ctx_t* ctx, bool orelse_reserve, const char* jobspec,
                                const uint64_t jobid, bool* reserved, char** R, int64_t* at,
                                double* ov) {
  auto op = orelse_reserve ? MATCH_ALLOCATE_ORELSE_RESERVE : MATCH_ALLOCATE_W_SATISFIABILITY;
  return reapi_module_match(ctx, op, jobspec, jobid, reserved, R, at, ov);
}

int reapi_module_match_satisfy(reapi_module_ctx_t* ctx, const char* jobspec, double* ov) {
  if (any_null(ctx, jobspec, ov))
    return refuse_call();
  return call([&] {
    bool reserved = false;
    std::string text;
    int64_t at = 0;
    return reapi_module_t::match_allocate(ctx->handle, MATCH_SATISFIABILITY, jobspec, 0, reserved,
                                          text, at, *ov);
  });
}

int reapi_module_update_allocate(reapi_module_ctx_t* ctx, const uint64_t jobid, const char* R,
                                 int64_t* at, double* ov, const char** R_out) {
  if (any_null(ctx, R, at, ov, R_out))
    return refuse_call();
  return call([&] {
    std::string text;
    auto result = reapi_module_t::update_allocate(ctx->handle, jobid, R, *at, *ov, text);
    if (result == 0)
      *R_out = copy_of(text);
    return result;
  });
}

int reapi_module_cancel(reapi_module_ctx_t* ctx, const uint64_t jobid, bool noent_ok) {
  if (any_null(ctx))
    return refuse_call();
  return call([&] { return reapi_module_t::cancel(ctx->handle, jobid, noent_ok); });
}

int reapi_module_partial_cancel(reapi_module_ctx_t* ctx, const uint64_t jobid, const char* R,
                                bool noent_ok, bool* full_removal) {
  if (any_null(ctx, R, full_removal))
    return refuse_call();
  return call(
      [&] { return reapi_module_t::cancel(ctx->handle, jobid, R, noent_ok, *full_removal); });
}

int reapi_module_info(reapi_module_ctx_t* ctx, const uint64_t jobid, bool* reserved, int64_t* at,
                      double* ov) {
  if (any_null(ctx, reserved, at, ov))
    return refuse_call();
  return call([&] { return reapi_module_t::info(ctx->handle, jobid, *reserved, *at, *ov); });
}

int reapi_module_find(reapi_module_ctx_t* ctx, const char* criteria, const char* format, char** R) {
  if (any_null(ctx, criteria, R))
    return refuse_call();
  return call([&] {
    std::string text;
    auto how = format == nullptr ? std::nullopt : std::optional<std::string>{format};
    auto result = reapi_module_t::find(ctx->handle, criteria, text, how);
    if (result == 0)
      *R = text.empty() ? nullptr : copy_of(text);
    return result;
  });
}

int reapi_module_stat(reapi_module_ctx_t* ctx, int64_t* V, int64_t* E, int64_t* J, double* load,
                      double* min, double* max, double* avg) {
  if (any_null(ctx, V, E, J, load, min, max, avg))
    return refuse_call();
  return call(
      [&] { return reapi_module_t::stat(ctx->handle, *V, *E, *J, *load, *min, *max, *avg); });
}

} // extern "C"
