// See reapi_module.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "reapi/reapi_module.hpp"

#include <fmt/format.h>

#include "reapi/answers.hpp"
#include "reapi/connection.hpp"

namespace Flux::resource_model::detail {

namespace {

using hactor::ec;
using hactor::json;
using hactor::reapi::connection;
using hactor::workflow::number_at;
using hactor::workflow::text_at;

int errno_of(const caf::error& e) {
  switch (hactor::code_of(e)) {
  case ec::unsatisfiable:
    return ENODEV;
  case ec::unknown_method:
    return ENOSYS;
  case ec::no_instance:
  case ec::disconnected:
    return ENOTCONN;
  case ec::timed_out:
    return ETIMEDOUT;
  case ec::not_permitted:
    return EPERM;
  case ec::disk_full:
    return ENOSPC;
  default:
    return hactor::reapi::errno_of(e);
  }
}

int refuse(connection& at, const caf::error& e) {
  at.note(hactor::render(e));
  errno = errno_of(e);
  return -1;
}

int bad(void* h, const char* what) {
  if (h != nullptr)
    static_cast<connection*>(h)->note(what);
  errno = EINVAL;
  return -1;
}

/// Numbers of claims are positive integers of JSON.
constexpr uint64_t numbers_max = uint64_t{1} << 62;

void read_claim(const json& reply, bool& reserved, std::string& R, int64_t& at, double& ov) {
  reserved = text_at(reply, "status") == "RESERVED";
  R = text_at(reply, "R");
  at = static_cast<int64_t>(number_at(reply, "at"));
  ov = number_at(reply, "overhead");
}

} // namespace

int reapi_module_t::match_allocate(void* h, match_op_t match_op, const std::string& jobspec,
                                   uint64_t jobid, bool& reserved, std::string& R, int64_t& at,
                                   double& ov) {
  if (h == nullptr || jobspec.empty() || jobid >= numbers_max || !match_op_valid(match_op))
    return bad(h, "no handle, no jobspec, a job id of 2^62 or more, or no match operation");
  auto& instance = *static_cast<connection*>(h);
  auto reply = instance.ask(
      "match", {{"op", match_op_to_string(match_op)}, {"number", jobid}, {"jobspec", jobspec}});
  if (!reply)
    return refuse(instance, reply.error());
  read_claim(*reply, reserved, R, at, ov);
  return 0;
}

int reapi_module_t::match_allocate(void* h, bool orelse_reserve, const std::string& jobspec,
                                   uint64_t jobid, bool& reserved, std::string& R, int64_t& at,
                                   double& ov) {
  auto op = orelse_reserve ? MATCH_ALLOCATE_ORELSE_RESERVE : MATCH_ALLOCATE_W_SATISFIABILITY;
  return match_allocate(h, op, jobspec, jobid, reserved, R, at, ov);
}

int reapi_module_t::update_allocate(void* h, uint64_t jobid, const std::string& R, int64_t& at,
                                    double& ov, std::string& R_out) {
  if (h == nullptr || R.empty() || jobid >= numbers_max)
    return bad(h, "no handle, no R, or a job id of 2^62 or more");
  auto& instance = *static_cast<connection*>(h);
  auto reply = instance.ask("update", {{"number", jobid}, {"R", R}});
  if (!reply)
    return refuse(instance, reply.error());
  bool reserved = false;
  read_claim(*reply, reserved, R_out, at, ov);
  return 0;
}

int reapi_module_t::cancel(void* h, uint64_t jobid, bool noent_ok) {
  if (h == nullptr || jobid >= numbers_max)
    return bad(h, "no handle, or a job id of 2^62 or more");
  auto& instance = *static_cast<connection*>(h);
  auto reply = instance.ask("cancel", {{"number", jobid}});
  if (!reply && !(noent_ok && hactor::code_of(reply.error()) == ec::unknown_job))
    return refuse(instance, reply.error());
  return 0;
}

int reapi_module_t::cancel(void* h, uint64_t jobid, const std::string& R, bool noent_ok,
                           bool& full_removal) {
  full_removal = false;
  if (h == nullptr || R.empty() || jobid >= numbers_max)
    return bad(h, "no handle, no R, or a job id of 2^62 or more");
  auto& instance = *static_cast<connection*>(h);
  auto reply = instance.ask("cancel-part", {{"number", jobid}, {"R", R}});
  if (!reply && !(noent_ok && hactor::code_of(reply.error()) == ec::unknown_job))
    return refuse(instance, reply.error());
  full_removal = reply && hactor::workflow::object_at(*reply, "full") == json(true);
  return 0;
}

int reapi_module_t::find(void* h, const std::string& criteria, std::string& o,
                         const std::optional<std::string>& format) {
  if (h == nullptr || criteria.empty())
    return bad(h, "no handle, or nothing to find");
  auto& instance = *static_cast<connection*>(h);
  json params{{"criteria", criteria}};
  if (format)
    params["format"] = *format;
  auto reply = instance.ask("find", std::move(params));
  if (!reply)
    return refuse(instance, reply.error());
  o = text_at(*reply, "R");
  return 0;
}

int reapi_module_t::info(void* h, uint64_t jobid, bool& reserved, int64_t& at, double& ov) {
  if (h == nullptr || jobid >= numbers_max)
    return bad(h, "no handle, or a job id of 2^62 or more");
  auto& instance = *static_cast<connection*>(h);
  auto reply = instance.ask("info", {{"number", jobid}});
  if (!reply)
    return refuse(instance, reply.error());
  std::string R;
  read_claim(*reply, reserved, R, at, ov);
  return 0;
}

int reapi_module_t::stat(void* h, int64_t& V, int64_t& E, int64_t& J, double& load, double& min,
                         double& max, double& avg) {
  if (h == nullptr)
    return bad(h, "no handle");
  auto& instance = *static_cast<connection*>(h);
  auto reply = instance.ask("stat", json::object());
  if (!reply)
    return refuse(instance, reply.error());
  V = static_cast<int64_t>(number_at(*reply, "V"));
  E = static_cast<int64_t>(number_at(*reply, "E"));
  J = static_cast<int64_t>(number_at(*reply, "njobs"));
  load = number_at(*reply, "load-time");
  min = number_at(*reply, "min-match");
  max = number_at(*reply, "max-match");
  avg = number_at(*reply, "avg-match");
  return 0;
}

} // namespace Flux::resource_model::detail
