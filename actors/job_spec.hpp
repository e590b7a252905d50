// One distinct jobspec and what the instance's services need of it, made once for each distinct
// text and shared by all of its jobs (ingest, job manager and scheduler of a process).
// The environment, by far the largest part and the same for thousands of jobs, is kept apart.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "actors/dependency.hpp"
#include "actors/messages.hpp"
#include "graph/jobspec.hpp"
#include "graph/request.hpp"
#include "runtime/error.hpp"
#include "store/journal.hpp"

namespace hactor {

/// attributes.system.environment of a jobspec.
struct spec_environment {
  std::string text; // a JSON object
  spec_hash hash;
  std::string stored_line; // names it at the end of what rests in the journal of a jobspec

  explicit spec_environment(std::string object);
};
using spec_environment_ptr = std::shared_ptr<const spec_environment>;

/// attributes.system.retries: when a job that has failed is started again.
struct retry_rule {
  uint32_t count = 0; // so often, those because of lost nodes not counted
  double delay_s = 0;
  bool on_node = true; // when a node was lost
  bool on_exit = true; // when its exit code is not 0, or one of
  idset codes;         // empty: any
  bool elsewhere = false; // on other nodes than before, while there are some
};

/// attributes.system.max-fails: jobs of one submission that are not to run when many have failed.
struct fail_limit {
  uint32_t count = 0;
  std::string group; // what its jobs have in common, and no others
};

struct job_spec {
  std::string text;                 // canonical JSON without the environment
  spec_environment_ptr environment; // null when there is none
  spec_hash hash;                   // of stored()
  std::string name, queue, cwd, bank, project;
  uint32_t ntasks = 0, ncores = 0, nnodes = 0;
  double duration_s = 0;
  int32_t warn_signal = 0;  // warn_before_s before the time limit; 0: none
  double warn_before_s = 0;
  bool warn_script = false; // if it holds an instance: its script, not the jobs in it
  int64_t memory_bytes = 0;         // by memory_limits: that it may use on a node; 0: any amount
  dependency_list_ptr dependencies; // null: none
  std::shared_ptr<const retry_rule> retries;   // null: none
  std::shared_ptr<const fail_limit> max_fails; // null: none
  /// attributes.system.array: the values of --cc, each of one job, whose ids follow one another.
  /// Null: none. How ingest says of which array a job is (array_of).
  std::shared_ptr<const idset> array;
  bool is_child = false; // attributes.system.child: of an instance that distributes its jobs
  /// Jobspecs that ask for the same share it where that was seen (spec_reader).
  std::shared_ptr<const resource_request> request;

  /// What rests in the journal: the text, and which environment it has.
  std::string stored() const;
  const std::string& environment_text() const; // "" when there is none
  spec_hash environment_hash() const;          // zero when there is none

  /// A jobspec that differs from this one in the words of its command; the caller sets its name.
  job_spec with_text(const std::string& canonical) const;
};

/// As job_record::label: a hash of a user and a name of theirs, never 0.
uint64_t name_label(uint32_t userid, const std::string& name);

/// As parse_jobspec, of what was read before and may have become larger here.
caf::expected<jobspec> parse_stored(std::string_view text);

/// ec::too_big when parse_stored would not read it.
caf::error check_stored_size(const job_spec& spec);

/// The same jobspec with another constraint on its nodes: its own, and `more` (RFC 31). Errors:
/// ec::too_big, with both.
caf::expected<job_spec_ptr> with_constraint(const job_spec& spec, const json& more);

/// Compiles a jobspec of which `text` is the canonical text, and `environment` its environment or
/// null. Errors: as compile_request and read_dependencies.
caf::expected<job_spec> make_job_spec(std::string text, const jobspec& parsed,
                                      spec_environment_ptr environment);

/// A signal before an end that never comes. `ends`: of the instance; 0: never. Errors:
/// ec::bad_jobspec.
caf::error warns_in_vain(const job_spec& spec, double ends);

/// The parts of a stored jobspec: JSON text, and the hash of its environment (zero: none).
struct stored_spec {
  std::string_view text;
  spec_hash environment;
};
stored_spec split_stored(std::string_view stored);

/// A jobspec's canonical text and its environment, taken apart. Errors: as parse_jobspec. `parsed`,
/// when given, is set to what the text says.
struct separated_spec {
  std::string text;
  std::string environment;
};
caf::expected<separated_spec> separate_environment(std::string_view submitted,
                                                   jobspec* parsed = nullptr);

/// The distinct jobspecs in use in this process. Thread-safe.
class spec_cache {
public:
  /// Returns the one job_spec of this text and environment. Errors: as parse_jobspec and
  /// compile_request. O(text) when known.
  caf::expected<job_spec_ptr> intern(const std::string& text, const std::string& environment);

  /// The same for a jobspec out of a message. O(1) when it came from this process.
  caf::expected<job_spec_ptr> intern(const sent_spec& spec);

  /// Returns the one job_spec that is equal to `spec`: an older one, or what becomes of this.
  job_spec_ptr share(job_spec&& spec);

  /// The environment with this text, null for ""; one object for many jobspecs in a row.
  spec_environment_ptr environment(const std::string& text);

private:
  struct hasher {
    size_t operator()(const spec_hash& h) const noexcept { return static_cast<size_t>(h.low); }
  };
  std::mutex mutex_;
  std::unordered_map<spec_hash, std::weak_ptr<const job_spec>, hasher> known_;
  spec_environment_ptr last_environment_;
  size_t sweep_at_ = 1024; // dead entries are dropped when the table reaches this size
};

/// The same jobspec for a job of each of these values. Errors: ec::bad_json, never with a spec of
/// ours.
caf::expected<job_spec> as_array(const job_spec& spec, const idset& values);

/// The first job of the array of which job `id` has the value `cc`; `id` itself when it has none of
/// these values.
job_id array_of(job_id id, const idset& values, int64_t cc);

/// The other way: the job of a value. Nothing when the array has no such value.
std::optional<job_id> job_in_array(job_id first, const idset& values, int64_t cc);

/// The jobspec as it was submitted: the environment put back, {cc} filled in when cc >= 0.
std::string restore_jobspec(const std::string& text, const std::string& environment, int64_t cc);

/// `text` with every {cc} replaced by the value.
std::string fill_cc(std::string text, int64_t cc);

} // namespace hactor
