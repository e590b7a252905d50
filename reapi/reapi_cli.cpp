// See reapi_cli.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "reapi/reapi_cli.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "reapi/answers.hpp"

namespace Flux::resource_model::detail {

namespace {

using hactor::reapi::average_of;
using hactor::reapi::edges_of;
using hactor::reapi::errno_of;
using hactor::reapi::job_state;
using hactor::reapi::session;
using hactor::reapi::text_of;

/// Of all queries, as Fluxion has it.
std::string& messages() {
  static std::string text;
  return text;
}

int refuse(std::string_view function, std::string_view why, int code) {
  messages() += fmt::format("{}: ERROR: {}\n", function, why);
  errno = code;
  return -1;
}

int refuse(std::string_view function, const caf::error& e) {
  return refuse(function, hactor::context_of(e), errno_of(e));
}

int no_graph(std::string_view function) { return refuse(function, "there is no graph", EINVAL); }

hactor::vertex_status inner(resource_status_t s) {
  return s == RESOURCE_DOWN ? hactor::vertex_status::down : hactor::vertex_status::up;
}

} // namespace

// -- the query -----------------------------------------------------------------------------------

resource_query_t::resource_query_t() = default;
resource_query_t::~resource_query_t() = default;

resource_query_t::resource_query_t(const std::string& rgraph, const std::string& options) {
  auto made = session::make(rgraph, options);
  if (!made)
    throw std::runtime_error(hactor::context_of(made.error()));
  session_ = std::move(*made);
}

resource_query_t::resource_query_t(const resource_query_t& other)
    : session_{other.session_ ? other.session_->clone() : nullptr} {}

resource_query_t& resource_query_t::operator=(const resource_query_t& other) {
  if (this != &other)
    session_ = other.session_ ? other.session_->clone() : nullptr;
  return *this;
}

const std::string& resource_query_t::get_resource_query_err_msg() const { return error_; }
void resource_query_t::clear_resource_query_err_msg() { error_.clear(); }

bool resource_query_t::job_exists(uint64_t jobid) const {
  return session_ && session_->find_job(jobid) != nullptr;
}

bool resource_query_t::reservation_exists(uint64_t jobid) const {
  return job_exists(jobid) && session_->find_job(jobid)->state == job_state::reserved;
}

bool resource_query_t::allocation_exists(uint64_t jobid) const {
  return job_exists(jobid) && session_->find_job(jobid)->state == job_state::allocated;
}

uint64_t resource_query_t::get_job_counter() const { return session_ ? session_->next_job() : 1; }

unsigned int resource_query_t::preorder_count() const {
  return session_ ? static_cast<unsigned int>(session_->matches().preorder_count()) : 0;
}

unsigned int resource_query_t::postorder_count() const {
  return session_ ? static_cast<unsigned int>(session_->matches().postorder_count()) : 0;
}

// -- the functions -------------------------------------------------------------------------------

#define HACTOR_REAPI_SESSION(h)                                                                    \
  auto* query = static_cast<resource_query_t*>(h);                                                 \
  if (query == nullptr || !query->session_)                                                        \
    return no_graph(__func__);                                                                     \
  auto& s = *query->session_

int reapi_cli_t::match_allocate(void* h, match_op_t match_op, const std::string& jobspec,
                                uint64_t jobid, bool& reserved, std::string& R, int64_t& at,
                                double& ov) {
  HACTOR_REAPI_SESSION(h);
  auto answer = s.match(match_op, jobspec, jobid);
  if (!answer)
    return refuse(__func__, answer.error());
  reserved = answer->job.state == job_state::reserved;
  R = std::move(answer->R);
  at = answer->job.at;
  ov = answer->job.seconds;
  errno = errno_of(answer->verdict);
  return 0;
}

int reapi_cli_t::update_allocate(void* h, uint64_t jobid, const std::string& R, int64_t& at,
                                 double& ov, std::string& R_out) {
  HACTOR_REAPI_SESSION(h);
  auto answer = s.update(jobid, R);
  if (!answer)
    return refuse(__func__, answer.error());
  at = answer->job.at;
  ov = answer->job.seconds;
  R_out = std::move(answer->R);
  return 0;
}

int reapi_cli_t::add_subgraph(void* h, const std::string& R_subgraph) {
  HACTOR_REAPI_SESSION(h);
  auto e = s.attach(R_subgraph);
  return e ? refuse(__func__, e) : 0;
}

int reapi_cli_t::remove_subgraph(void* h, const std::string& path) {
  HACTOR_REAPI_SESSION(h);
  auto e = s.remove(path);
  return e ? refuse(__func__, e) : 0;
}

int reapi_cli_t::cancel(void* h, uint64_t jobid, bool noent_ok) {
  HACTOR_REAPI_SESSION(h);
  auto e = s.cancel(jobid);
  return e && !(noent_ok && hactor::code_of(e) == hactor::ec::unknown_job) ? refuse(__func__, e)
                                                                           : 0;
}

int reapi_cli_t::cancel(void* h, uint64_t jobid, const std::string& R, bool noent_ok,
                        bool& full_removal) {
  HACTOR_REAPI_SESSION(h);
  auto is_all = s.cancel_part(jobid, R);
  full_removal = is_all && *is_all;
  if (is_all || (noent_ok && hactor::code_of(is_all.error()) == hactor::ec::unknown_job))
    return 0;
  return refuse(__func__, is_all.error());
}

int reapi_cli_t::find(void* h, const std::string& criteria, std::string& o,
                      const std::optional<std::string>& format) {
  HACTOR_REAPI_SESSION(h);
  auto found = s.find(criteria, format);
  if (!found)
    return refuse(__func__, found.error());
  o = std::move(*found);
  return 0;
}

int reapi_cli_t::info(void* h, uint64_t jobid, std::string& mode, bool& reserved, int64_t& at,
                      double& ov) {
  HACTOR_REAPI_SESSION(h);
  auto* job = s.find_job(jobid);
  if (job == nullptr)
    return refuse(__func__, fmt::format("nonexistent job {}", jobid), ENOENT);
  mode = text_of(job->state);
  reserved = job->state == job_state::reserved;
  at = job->at;
  ov = job->seconds;
  return 0;
}

int reapi_cli_t::stat(void* h, int64_t& V, int64_t& E, int64_t& J, double& load, double& min,
                      double& max, double& avg) {
  HACTOR_REAPI_SESSION(h);
  auto& t = s.taken();
  V = static_cast<int64_t>(s.graph().size());
  E = edges_of(s.graph());
  J = t.matches;
  load = t.load;
  min = t.least;
  max = t.most;
  avg = average_of(t);
  return 0;
}

int reapi_cli_t::set_status(void* h, const std::string& path, resource_status_t status) {
  HACTOR_REAPI_SESSION(h);
  auto e = s.set_status(path, inner(status));
  return e ? refuse(__func__, e) : 0;
}

int reapi_cli_t::get_status(void* h, const std::string& path, resource_status_t& status) {
  HACTOR_REAPI_SESSION(h);
  auto is = s.status(path);
  if (!is)
    return refuse(__func__, is.error());
  status = *is == hactor::vertex_status::up ? RESOURCE_UP : RESOURCE_DOWN;
  return 0;
}

int reapi_cli_t::set_rank_status(void* h, const char* ranks, resource_status_t status) {
  HACTOR_REAPI_SESSION(h);
  auto e = s.set_rank_status(ranks == nullptr ? "all" : ranks, inner(status));
  return e ? refuse(__func__, e) : 0;
}

int reapi_cli_t::get_rank_status(void* h, const char* rank, resource_status_t& status) {
  HACTOR_REAPI_SESSION(h);
  auto is = s.rank_status(rank == nullptr ? "all" : rank);
  if (!is)
    return refuse(__func__, is.error());
  status = *is == hactor::vertex_status::up ? RESOURCE_UP : RESOURCE_DOWN;
  return 0;
}

#undef HACTOR_REAPI_SESSION

unsigned int reapi_cli_t::preorder_count(void* h) {
  return h == nullptr ? 0 : static_cast<resource_query_t*>(h)->preorder_count();
}

unsigned int reapi_cli_t::postorder_count(void* h) {
  return h == nullptr ? 0 : static_cast<resource_query_t*>(h)->postorder_count();
}

const std::string& reapi_cli_t::get_err_message() { return messages(); }
void reapi_cli_t::clear_err_message() { messages().clear(); }

} // namespace Flux::resource_model::detail
