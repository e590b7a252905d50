// The table of error codes and how errors of ours and of CAF are put into words.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/error.hpp"

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <system_error>
#include <utility>

#include <caf/atom.hpp>
#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

namespace hactor {

namespace {

constexpr auto our_category = caf::atom("hactor");

struct code_row {
  std::string_view name;
  std::string_view sentence;
};

// In the order of enum ec.
constexpr code_row code_table[] = {
    {"ok", "No error."},
    {"bad_argument", "An option or parameter has a value that is not allowed."},
    {"bad_json", "The text is neither JSON nor YAML."},
    {"bad_jobspec", "The jobspec breaks a rule of RFC 14 or 25."},
    {"bad_id", "The text is not a job id in any spelling."},
    {"bad_idset", "The text is not an idset (RFC 22)."},
    {"bad_hostlist", "The text is not a hostlist (RFC 29)."},
    {"bad_duration", "The text is not a duration."},
    {"bad_rset", "The text is not an R version 1 (RFC 20)."},
    {"unsatisfiable", "The request can never be met by this instance."},
    {"unknown_job", "No job has this id."},
    {"unknown_key", "There is no such key or attribute."},
    {"unknown_method", "The service does not know this request."},
    {"unknown_rank", "The instance has no such rank."},
    {"wrong_state", "The job is in a state in which this cannot be done."},
    {"not_permitted", "Only the owner of the instance or of the job may do this."},
    {"cancelled", "Somebody withdrew the request."},
    {"timed_out", "The deadline passed before an answer came."},
    {"rank_lost", "The broker that should answer has died."},
    {"disconnected", "The other end of the socket is gone."},
    {"no_instance", "No instance can be reached: HACTOR_URI is unset or stale."},
    {"too_big", "A message or document exceeds its bound."},
    {"busy", "Another process owns the thing."},
    {"store_failed", "The state directory cannot be read or written."},
    {"store_corrupt", "The state directory holds something that hactor did not write."},
    {"disk_full", "The file system of the state directory is full."},
    {"exec_failed", "A program could not be started."},
    {"launcher_missing", "Started by a launcher for whose MPI no module was built."},
    {"mpi_failed", "A call of MPI returned an error."},
    {"system_failed", "A system call failed."},
    {"network_failed", "The brokers could not meet over the network."},
};
static_assert(std::size(code_table) == static_cast<size_t>(ec::code_count));

bool is_ours(const caf::error& e) {
  return e && e.category() == our_category && e.code() < static_cast<uint8_t>(ec::code_count);
}

// The names that CAF gives its own codes are worth more to a person than their numbers.
std::string foreign_code_name(const caf::error& e) {
  if (e.category() == caf::atom("system"))
    return to_string(static_cast<caf::sec>(e.code()));
  if (e.category() == caf::atom("exit"))
    return to_string(static_cast<caf::exit_reason>(e.code()));
  return std::to_string(e.code());
}

} // namespace

std::string to_string(ec code) {
  auto index = static_cast<size_t>(code);
  HACTOR_CHECK(index < std::size(code_table));
  return std::string{code_table[index].name};
}

std::string_view sentence(ec code) {
  auto index = static_cast<size_t>(code);
  HACTOR_CHECK(index < std::size(code_table));
  return code_table[index].sentence;
}

caf::error make_error(ec code, std::string what) {
  auto number = static_cast<uint8_t>(code);
  if (what.empty())
    return caf::error{number, our_category};
  return caf::error{number, our_category, caf::make_message(std::move(what))};
}

ec code_of(const caf::error& e) {
  if (!e)
    return ec::ok;
  return is_ours(e) ? static_cast<ec>(e.code()) : ec::system_failed;
}

std::string context_of(const caf::error& e) {
  if (!e || e.category() != our_category)
    return {};
  const auto& context = e.context();
  if (context.size() == 0 || !context.match_element<std::string>(0))
    return {};
  return context.get_as<std::string>(0);
}

std::string render(const caf::error& e) {
  if (!e)
    return std::string{sentence(ec::ok)};
  if (is_ours(e)) {
    auto context = context_of(e);
    return context.empty() ? std::string{sentence(code_of(e))} : context;
  }
  return caf::to_string(e.category()) + "(" + foreign_code_name(e) + ")";
}

caf::error make_errno_error(ec code, std::string_view what, int errno_value) {
  std::string text{what};
  text += ": ";
  text += std::generic_category().message(errno_value);
  return make_error(code, std::move(text));
}

void check_failed(const char* file, int line, const char* expression) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, expression);
  std::fflush(stderr);
  std::abort();
}

} // namespace hactor
