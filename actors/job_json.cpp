// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_json.hpp"

#include "actors/job_state.hpp"

namespace hactor {

int exit_code_of(const job_summary& s) {
  auto fatal = s.exception && s.exception_severity == 0;
  if (s.waitstatus < 0)
    return fatal ? 1 : 0;
  auto code = shell_code(s.waitstatus);
  return code == 0 && fatal ? 1 : code;
}

namespace {

void add_times(json& j, const job_summary& s) {
  auto add = [&](const char* key, int64_t t_ns) {
    if (t_ns != 0)
      j[key] = static_cast<double>(t_ns) / 1e9;
  };
  add("t_submit", s.t_submit);
  add("t_depend", s.t_depend);
  add("t_priority", s.t_priority);
  add("t_sched", s.t_sched);
  add("t_run", s.t_run);
  add("t_cleanup", s.t_cleanup);
  add("t_inactive", s.t_inactive);
}

} // namespace

json to_json(const job_summary& s) {
  json j{{"id", to_string(s.id)},  {"userid", s.userid},        {"urgency", s.urgency},
         {"priority", s.priority}, {"state", name_of(s.state)}, {"name", s.name},
         {"ntasks", s.ntasks},     {"ncores", s.ncores},        {"duration", s.duration_s}};
  if (s.nnodes > 0) // else the scheduler has not said yet
    j["nnodes"] = s.nnodes;
  add_times(j, s);
  auto add_text = [&](const char* key, const std::string& value) {
    if (!value.empty())
      j[key] = value;
  };
  add_text("queue", s.queue);
  add_text("cwd", s.cwd);
  add_text("bank", s.bank);
  add_text("project", s.project);
  add_text("ranks", s.ranks);
  add_text("nodelist", s.nodelist);
  add_text("reason", s.reason);
  if (auto notes = parse_json(s.annotations); notes && !s.annotations.empty())
    j["annotations"] = std::move(*notes);
  if (s.array) {
    j["array"] = to_string(s.array);
    j["index"] = s.cc;
  }
  if (!s.dependencies.empty())
    j["dependencies"] = s.dependencies;
  if (s.attempts > 1)
    j["attempts"] = s.attempts;
  if (s.expiration > 0)
    j["expiration"] = s.expiration;
  if (s.exception) {
    j["exception_occurred"] = true;
    j["exception_type"] = s.exception_type;
    j["exception_severity"] = s.exception_severity;
    j["exception_note"] = s.exception_note;
  }
  if (s.state != job_state::inactive)
    return j;
  j["result"] = name_of(s.result);
  j["success"] = s.result == job_result::completed;
  if (s.waitstatus >= 0)
    j["waitstatus"] = s.waitstatus;
  j["status"] = exit_code_of(s);
  if (s.exception)
    j["note"] = s.exception_type + (s.exception_note.empty() ? "" : ": " + s.exception_note);
  if (s.maxrss_kb >= 0) {
    j["maxrss_kb"] = s.maxrss_kb;
    j["user_s"] = s.user_s;
    j["system_s"] = s.system_s;
    j["read_kb"] = s.read_kb;
    j["written_kb"] = s.written_kb;
  }
  return j;
}

} // namespace hactor
