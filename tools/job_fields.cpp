// See job_fields.hpp. Rules of the columns: formats 3.22 and 3.29, which are those of flux-jobs(1).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/job_fields.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <pwd.h>
#include <sys/wait.h>

#include "runtime/duration.hpp"
#include "runtime/ids.hpp"
#include "runtime/near.hpp"
#include "runtime/signals.hpp"
#include "tools/client.hpp"

namespace hactor::tools {

namespace {

struct named_bit {
  std::string_view name;
  std::string_view letters;
  unsigned bit;
};

constexpr named_bit states[] = {{"NEW", "N", 1},      {"DEPEND", "D", 2}, {"PRIORITY", "P", 4},
                                {"SCHED", "S", 8},    {"RUN", "R", 16},   {"CLEANUP", "C", 32},
                                {"INACTIVE", "I", 64}};
constexpr named_bit state_groups[] = {{"PENDING", "PD", states_pending},
                                      {"RUNNING", "RN", states_running},
                                      {"ACTIVE", "A", states_active}};
constexpr named_bit results[] = {{"COMPLETED", "CD", 1},
                                 {"FAILED", "F", 2},
                                 {"CANCELED", "CA", 4},
                                 {"TIMEOUT", "TO", 8},
                                 {"NODE_FAILED", "NF", 16}};

constexpr field_name fields[] = {{"id", "JOBID"},
                                 {"id.f58", "JOBID"},
                                 {"id.f58plain", "JOBID"},
                                 {"id.dec", "JOBID"},
                                 {"id.hex", "JOBID"},
                                 {"id.dothex", "JOBID"},
                                 {"id.kvs", "JOBID"},
                                 {"id.words", "JOBID"},
                                 {"id.emoji", "JOBID"},
                                 {"id.index", "JOBID"},
                                 {"id.path", "JOBID"},
                                 {"array", "ARRAY"},
                                 {"index", "INDEX"},
                                 {"userid", "UID"},
                                 {"username", "USER"},
                                 {"urgency", "URG"},
                                 {"priority", "PRI"},
                                 {"state", "STATE"},
                                 {"state_single", "S"},
                                 {"status", "STATUS"},
                                 {"status_abbrev", "ST"},
                                 {"status_emoji", "ST"},
                                 {"name", "NAME"},
                                 {"cwd", "CWD"},
                                 {"queue", "QUEUE"},
                                 {"project", "PROJECT"},
                                 {"bank", "BANK"},
                                 {"ntasks", "NTASKS"},
                                 {"ncores", "NCORES"},
                                 {"nnodes", "NNODES"},
                                 {"ranks", "RANKS"},
                                 {"nodelist", "NODELIST"},
                                 {"duration", "DURATION"},
                                 {"expiration", "EXPIRATION"},
                                 {"success", "SUCCESS"},
                                 {"result", "RESULT"},
                                 {"result_abbrev", "RS"},
                                 {"waitstatus", "WSTATUS"},
                                 {"returncode", "RC"},
                                 {"runtime", "RUNTIME"},
                                 {"attempts", "TRIES"},
                                 {"maxrss_kb", "MAXRSS-KB"},
                                 {"user_s", "USER-S"},
                                 {"system_s", "SYSTEM-S"},
                                 {"read_kb", "READ-KB"},
                                 {"written_kb", "WRITTEN-KB"},
                                 {"t_submit", "T_SUBMIT"},
                                 {"t_depend", "T_DEPEND"},
                                 {"t_priority", "T_PRIORITY"},
                                 {"t_sched", "T_SCHED"},
                                 {"t_run", "T_RUN"},
                                 {"t_cleanup", "T_CLEANUP"},
                                 {"t_inactive", "T_INACTIVE"},
                                 {"t_remaining", "T_REMAINING"},
                                 {"exception.occurred", "EXCEPTION-OCCURRED"},
                                 {"exception.severity", "EXCEPTION-SEVERITY"},
                                 {"exception.type", "EXCEPTION-TYPE"},
                                 {"exception.note", "EXCEPTION-NOTE"},
                                 {"dependencies", "DEPENDENCIES"},
                                 {"inactive_reason", "INACTIVE-REASON"},
                                 {"contextual_info", "INFO"},
                                 {"contextual_time", "TIME"},
                                 {"instance.stats", "STATS"},
                                 {"instance.stats.total", "NJOBS"},
                                 {"instance.stats.pending", "PENDING"},
                                 {"instance.stats.running", "RUNNING"},
                                 {"instance.stats.successful", "SUCCESSFUL"},
                                 {"instance.stats.failed", "FAILED"},
                                 {"instance.stats.*", ""},
                                 {"instance.progress", "PROG"},
                                 {"instance.utilization", "CORE%"},
                                 {"instance.gpu_utilization", "GPU%"},
                                 {"instance.resources.all.nnodes", "NODES"},
                                 {"instance.resources.all.ncores", "CORES"},
                                 {"instance.resources.all.ngpus", "GPUS"},
                                 {"instance.resources.up.nnodes", "UP-N"},
                                 {"instance.resources.up.ncores", "UP-C"},
                                 {"instance.resources.up.ngpus", "UP-G"},
                                 {"instance.resources.down.nnodes", "DOWN-N"},
                                 {"instance.resources.down.ncores", "DOWN-C"},
                                 {"instance.resources.down.ngpus", "DOWN-G"},
                                 {"instance.resources.allocated.nnodes", "USED-N"},
                                 {"instance.resources.allocated.ncores", "USED-C"},
                                 {"instance.resources.allocated.ngpus", "USED-G"},
                                 {"instance.resources.free.nnodes", "FREE-N"},
                                 {"instance.resources.free.ncores", "FREE-C"},
                                 {"instance.resources.free.ngpus", "FREE-G"},
                                 {"instance.resources.*", ""},
                                 {"annotations.*", ""},
                                 {"sched.*", ""},
                                 {"user.*", ""}};

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string text_of(const json& value) {
  if (value.is_string())
    return value.get<std::string>();
  if (value.is_null())
    return {};
  if (value.is_number_float()) { // 1763867890.25, not 1.76386789025e9
    char buffer[64];
    auto [end, code] = std::to_chars(buffer, buffer + sizeof(buffer), value.get<double>(),
                                     std::chars_format::fixed);
    return {buffer, end};
  }
  if (value.is_array()) {
    std::string all;
    for (auto& element : value)
      all += (all.empty() ? "" : ",") + text_of(element);
    return all;
  }
  return dump(value);
}

// RFC 43 sends states and results as bits; names are read too.
unsigned bit_at(const json& job, const char* key, std::span<const named_bit> table) {
  auto& value = object_at(job, key);
  if (value.is_number_unsigned() || value.is_number_integer())
    return value.get<unsigned>();
  if (value.is_string())
    for (auto& b : table)
      if (same_letters(b.name, value.get_ref<const std::string&>()))
        return b.bit;
  return 0;
}

std::string_view name_of(std::span<const named_bit> table, unsigned bit, bool letters) {
  for (auto& b : table)
    if (b.bit == bit)
      return letters ? b.letters : b.name;
  return {};
}

struct job_view {
  const json& job;
  double now;

  unsigned state() const { return bit_at(job, "state", states); }
  bool inactive() const { return state() == state_inactive; }
  double at(const char* key) const { return number_at(job, key, 0); }
  std::string text(const char* key) const { return text_of(object_at(job, key)); }
};

std::string id_in(const job_view& v, std::string_view form) {
  auto text = v.text("id");
  if (form.empty())
    return text;
  if (form == "index")
    return v.text("array").empty() ? text : v.text("array") + "." + v.text("index");
  if (form == "path") // of a job of an instance within: set by who went there
    return v.text("path").empty() ? text : v.text("path") + "/" + text;
  auto id = parse_job_id(text);
  if (!id)
    return text;
  // ".f58" is the form that hactor prints everywhere, which is plain ASCII.
  if (form == "f58")
    return to_string(*id);
  auto f = parse_id_form(form);
  return f ? format_job_id(*id, *f) : text;
}

std::string user_name(const job_view& v) {
  auto uid = static_cast<uid_t>(v.at("userid"));
  static std::pair<uid_t, std::string> last{static_cast<uid_t>(-1), {}};
  if (last.first != uid) {
    auto* entry = ::getpwuid(uid);
    last = {uid, entry ? entry->pw_name : std::to_string(uid)};
  }
  return last.second;
}

std::string status(const job_view& v, bool letters) {
  if (v.inactive())
    if (auto r = bit_at(v.job, "result", results); r != 0)
      return std::string{name_of(results, r, letters)};
  return std::string{name_of(states, v.state(), letters)};
}

std::string emoji_of(std::string_view letters) {
  constexpr std::pair<std::string_view, std::string_view> pictures[] = {
      {"D", "\U0001F517"},  {"P", "\U0001F522"},  {"S", "\U0001F4C5"}, {"R", "\U0001F3C3"},
      {"C", "\U0001F9F9"},  {"CD", "\U00002705"}, {"F", "\U0000274C"}, {"CA", "\U0001F6D1"},
      {"TO", "\U0000231B"}, {"NF", "\U0001F4A5"}};
  for (auto& [name, picture] : pictures)
    if (name == letters)
      return std::string{picture};
  return std::string{letters};
}

std::string runtime(const job_view& v) {
  auto start = v.at("t_run");
  if (start <= 0)
    return {};
  auto end = v.at("t_cleanup");
  return text_of(std::max(0.0, (end > 0 ? end : v.now) - start));
}

std::string remaining(const job_view& v) {
  auto end = v.at("expiration");
  if ((v.state() & states_running) == 0 || end <= 0)
    return {};
  return text_of(std::max(0.0, end - v.now));
}

// The exit code; minus the signal that ended the shell; -128 if cancelled before it ran; else 1.
std::string return_code(const job_view& v) {
  if (!v.inactive())
    return {};
  auto& wait = object_at(v.job, "waitstatus");
  if (wait.is_number_integer()) {
    auto w = wait.get<int>();
    return std::to_string(WIFSIGNALED(w) ? -WTERMSIG(w) : WEXITSTATUS(w));
  }
  return bit_at(v.job, "result", results) == 4 ? "-128" : "1";
}

std::string inactive_reason(const job_view& v) {
  if (!v.inactive())
    return {};
  auto note = v.text("exception_note");
  auto type = v.text("exception_type");
  auto with_note = [&](std::string what) { return note.empty() ? what : what + ": " + note; };
  switch (bit_at(v.job, "result", results)) {
    case 1:
      if (type == "output")
        return with_note("Exception: output");
      break;
    case 4:
      return with_note("Canceled");
    case 8:
      return "Timeout";
    case 16:
      return with_note(type == "lost" ? "Lost" : "Node failed");
    case 2:
      if (!type.empty() && type != "exec")
        return with_note("Exception: " + type);
      break;
    default:
      break;
  }
  auto& wait = object_at(v.job, "waitstatus");
  if (!wait.is_number_integer())
    return type.empty() ? std::string{} : with_note("Exception: " + type);
  auto w = wait.get<int>();
  if (WIFSIGNALED(w))
    return "Signaled: " + signal_text(WTERMSIG(w));
  auto code = WEXITSTATUS(w);
  if (type == "exec" && !note.empty() && code != 127)
    return with_note("Exception: exec");
  return code == 127 ? "command not found" : code == 126 ? "command not executable"
                                                         : "Exit " + std::to_string(code);
}

std::string info(const job_view& v) {
  switch (v.state()) {
    case 2:
      return "depends:" + v.text("dependencies");
    case 4: {
      auto reason = v.text("reason"); // what it waits for by itself: its next attempt
      return reason.empty() ? "priority-wait" : reason;
    }
    case 8: {
      if (v.text("urgency") == "0")
        return "held";
      if (v.text("priority") == "0")
        return "priority-hold";
      auto* estimate = find_json(v.job, "annotations.sched.t_estimate");
      if (estimate && estimate->is_number()) {
        auto wait = estimate->get<double>() - v.now;
        return wait < 1 ? "eta:now" : "eta:" + format_fsd(std::round(wait));
      }
      auto* reason = find_json(v.job, "annotations.sched.reason_pending");
      return reason ? text_of(*reason) : std::string{};
    }
    case 1:
      return {};
    default: {
      auto nodes = v.text("nodelist");
      return nodes.empty() ? inactive_reason(v) : nodes;
    }
  }
}

std::string contextual_time(const job_view& v) {
  if ((v.state() & (states_pending | 1)) == 0)
    return runtime(v);
  auto limit = v.at("duration");
  return limit > 0 ? text_of(limit) : std::string{};
}

// The jobs of the instance that it holds, as flux-jobs has them.
std::string stats_text(const job_view& v) {
  auto* stats = find_json(v.job, "instance.stats");
  if (stats == nullptr)
    return {};
  std::string text;
  for (auto [title, key] : {std::pair{"PD:", "pending"}, {" R:", "running"}, {" CD:", "successful"},
                            {" F:", "failed"}})
    text += title + text_of(object_at(*stats, key));
  return text;
}

// A time or an amount that is 0 was never set.
std::string unless_zero(const job_view& v, const char* key) {
  return v.at(key) > 0 ? v.text(key) : std::string{};
}

} // namespace

std::span<const field_name> job_field_names() { return fields; }

std::string_view state_name(unsigned state) { return name_of(states, state, false); }

std::string job_field(const json& job, const std::string& field, double now) {
  job_view v{job, now};
  if (field == "id" || field.starts_with("id."))
    return id_in(v, std::string_view{field}.substr(std::min<size_t>(field.size(), 3)));
  if (field == "username")
    return user_name(v);
  if (field == "state" || field == "state_single")
    return std::string{name_of(states, v.state(), field != "state")};
  if (field == "status_emoji")
    return emoji_of(status(v, true));
  if (field == "status" || field == "status_abbrev")
    return status(v, field != "status");
  if (field == "result" || field == "result_abbrev")
    return v.inactive()
             ? std::string{name_of(results, bit_at(job, "result", results), field != "result")}
             : std::string{};
  if (field == "returncode")
    return return_code(v);
  if (field == "runtime")
    return runtime(v);
  if (field == "attempts")
    return v.at("attempts") > 1 ? v.text("attempts") : v.text("id").empty() ? "" : "1";
  if (field == "t_remaining")
    return remaining(v);
  if (field == "contextual_info")
    return info(v);
  if (field == "contextual_time")
    return contextual_time(v);
  if (field == "inactive_reason")
    return inactive_reason(v);
  if (field.starts_with("t_") || field == "expiration")
    return unless_zero(v, field.c_str());
  if (field.starts_with("sched.") || field.starts_with("user."))
    return job_field(job, "annotations." + field, now);
  if (field == "instance.stats")
    return stats_text(v);
  if (field.starts_with("annotations.") || field.starts_with("instance.")) {
    auto* found = find_json(job, field);
    return found ? text_of(*found) : std::string{};
  }
  if (field == "exception.occurred")
    return v.text("exception_occurred") == "true" ? "True" : "False";
  if (field.starts_with("exception."))
    return v.text(("exception_" + field.substr(10)).c_str());
  return v.text(field.c_str());
}

caf::expected<state_filter> parse_state_filter(std::string_view text) {
  state_filter filter;
  for (size_t start = 0; start <= text.size();) {
    auto end = std::min(text.find(',', start), text.size());
    auto word = text.substr(start, end - start);
    start = end + 1;
    auto add = [&word](std::span<const named_bit> table, unsigned& to) {
      for (auto& b : table)
        if (same_letters(b.name, word) || same_letters(b.letters, word)) {
          to |= b.bit;
          return true;
        }
      return false;
    };
    if (add(states, filter.states) || add(state_groups, filter.states)
        || add(results, filter.results))
      continue;
    if (same_letters("cancelled", word)) {
      filter.results |= 4;
      continue;
    }
    if (same_letters("node_fail", word)) { // Slurm's word
      filter.results |= 16;
      continue;
    }
    std::vector<std::string_view> names{
        "depend",  "priority", "sched",     "run",    "cleanup",  "inactive", "pending",
        "running", "active",   "completed", "failed", "canceled", "timeout",  "node_failed"};
    std::string all;
    for (auto name : names)
      all += (all.empty() ? "" : ", ") + std::string{name};
    auto hint = did_you_mean(word, names);
    return make_error(ec::bad_argument, "'" + std::string{word}
                                            + "' is neither a state nor a result"
                                            + (hint.empty() ? "; there are " + all : hint));
  }
  // A result is one of an ended job.
  if (filter.results != 0)
    filter.states |= state_inactive;
  return filter;
}

} // namespace hactor::tools
