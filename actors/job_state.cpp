// See the header. The table is RFC 21's, event by event.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_state.hpp"

#include <sys/wait.h>

#include "runtime/json.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

bool is_pending(job_state s) {
  return s == job_state::depend || s == job_state::priority || s == job_state::sched;
}

std::optional<job_state> only(bool legal, job_state to) {
  return legal ? std::optional<job_state>{to} : std::nullopt;
}

void add_released(const job_event& release, idset& to) {
  if (release.a != 0)
    return; // the last, with which all has come back
  if (auto ranks = idset::parse(release.text))
    to.add_all(*ranks);
}

} // namespace

std::optional<job_state> next_state(job_state from, const job_event& e) {
  using s = job_state;
  if (e.kind == event_kind::submit)
    return only(from == s::none, s::new_job);
  if (from == s::none || from == s::inactive)
    return only(from == s::inactive && e.kind == event_kind::memo, from);
  switch (e.kind) {
    case event_kind::validate: return only(from == s::new_job, s::depend);
    case event_kind::invalidate: return only(from == s::new_job, s::inactive);
    case event_kind::dependency_add:
    case event_kind::dependency_remove: return only(from == s::new_job || from == s::depend, from);
    case event_kind::depend: return only(from == s::depend, s::priority);
    case event_kind::priority: return only(from == s::priority || from == s::sched, s::sched);
    case event_kind::urgency: return only(is_pending(from), from == s::sched ? s::priority : from);
    case event_kind::restart:
    case event_kind::jobspec_update: return from == s::sched ? s::priority : from;
    case event_kind::alloc: return only(from == s::sched, s::run);
    case event_kind::start: return only(from == s::run, s::run);
    case event_kind::finish: return only(from == s::run || from == s::cleanup, s::cleanup);
    case event_kind::exception:
      if (e.a != 0 || from == s::cleanup)
        return from;
      return from == s::new_job ? std::nullopt : std::optional<s>{s::cleanup};
    case event_kind::release:
    case event_kind::free:
    case event_kind::epilog_start:
    case event_kind::epilog_finish: return only(from == s::cleanup || from == s::run, from);
    case event_kind::clean: return only(from == s::cleanup, s::inactive);
    case event_kind::retry:
      return only(from == s::cleanup, s::priority);
    case event_kind::prolog_start:
    case event_kind::prolog_finish:
    case event_kind::resource_update:
    case event_kind::set_flags:
    case event_kind::memo:
    case event_kind::debug: return from;
    case event_kind::submit:
    case event_kind::kind_count: break;
  }
  return std::nullopt;
}

void job_fold::apply(job_event& e) {
  auto to = next_state(state, e);
  HACTOR_CHECK(to.has_value()); // the writer of events asks the table first
  auto entered = *to != state;
  state = *to;
  e.after = *to;
  if (entered) {
    if (state > job_state::depend)
      dependencies.clear();
    switch (state) {
      case job_state::depend: t_depend = e.t_ns; break;
      case job_state::priority:
        t_priority = e.t_ns;
        break;
      case job_state::sched: t_sched = e.t_ns; break;
      case job_state::run: t_run = e.t_ns; break;
      case job_state::cleanup: t_cleanup = e.t_ns; break;
      case job_state::inactive: t_inactive = e.t_ns; break;
      default: break;
    }
  }
  switch (e.kind) {
    case event_kind::submit:
      t_submit = e.t_ns;
      urgency = static_cast<int32_t>(e.a);
      userid = static_cast<uint32_t>(e.b);
      flags = static_cast<uint32_t>(e.c);
      break;
    case event_kind::dependency_add:
      dependencies.insert(e.text);
      break;
    case event_kind::dependency_remove:
      dependencies.erase(e.text);
      break;
    case event_kind::priority: priority = static_cast<uint32_t>(e.a); break;
    case event_kind::urgency: urgency = static_cast<int32_t>(e.a); break;
    case event_kind::alloc:
      has_alloc = true;
      annotate(e.text);
      break;
    case event_kind::memo: annotate("{\"user\":" + e.text + "}"); break;
    case event_kind::release: add_released(e, released); break;
    case event_kind::free: has_alloc = false; break;
    case event_kind::start: has_started = true; break;
    case event_kind::finish:
      has_finished = true;
      if (!has_fatal || waitstatus < 0)
        waitstatus = static_cast<int32_t>(e.a);
      break;
    case event_kind::retry:
      begin_attempt(e);
      break;
    case event_kind::exception: {
      was_cancelled = was_cancelled || (e.a == 0 && e.text.starts_with("cancel\n"));
      if (has_fatal)
        break; // the first fatal one is the root cause
      auto newline = e.text.find('\n');
      exception_type = e.text.substr(0, newline);
      exception_note = newline == std::string::npos ? "" : e.text.substr(newline + 1);
      exception_severity = static_cast<int32_t>(e.a);
      has_fatal = e.a == 0;
      if (has_fatal && e.c >= 0)
        waitstatus = static_cast<int32_t>(e.c);
      break;
    }
    default: break;
  }
}

void job_fold::annotate(const std::string& more) {
  if (annotations.empty() && !more.starts_with("{\"user\"")) {
    annotations = more; // as a rule there is nothing to join
    return;
  }
  auto all = parse_json(annotations.empty() ? "{}" : annotations);
  auto added = parse_json(more);
  if (!all || !added)
    return; // of another version's making
  all->merge_patch(*added); // RFC 7396: null removes
  annotations = dump(*all);
}

void job_fold::begin_attempt(const job_event& retry) {
  attempts = static_cast<uint32_t>(retry.a);
  node_losses += retry.b != 0;
  has_started = has_finished = has_fatal = false;
  waitstatus = exception_severity = -1;
  exception_type.clear();
  exception_note.clear();
  t_run = t_cleanup = 0;
  released = {};
}

int shell_code(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int worse_status(int a, int b) { return shell_code(b) > shell_code(a) ? b : a; }

job_result job_fold::result() const {
  if (state != job_state::inactive)
    return job_result::none;
  if (!has_fatal)
    return waitstatus == 0 ? job_result::completed : job_result::failed;
  if (exception_type == "cancel")
    return job_result::canceled;
  if (exception_type == "timeout")
    return job_result::timeout;
  return is_lost() ? job_result::node_failed : job_result::failed;
}

bool job_fold::is_lost() const {
  return has_fatal && (exception_type == "node-failure" || exception_type == "lost");
}

int job_fold::exit_code() const {
  if (waitstatus < 0)
    return has_fatal ? 1 : 0;
  auto code = shell_code(waitstatus);
  return code == 0 && has_fatal ? 1 : code;
}

} // namespace hactor
