// What a job is, as its user wrote it: the canonical jobspec of RFC 14, of which version 1 (RFC 25)
// is a part. Parsing checks the whole document; what this instance's scheduler can place is the
// question of request.hpp. Called by ingest, by tools for --dry-run and by request.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/count.hpp"
#include "graph/document.hpp"
#include "runtime/error.hpp"
#include "runtime/limits.hpp"

namespace hactor {

/// One vertex of the request graph, with what it must contain.
struct resource_vertex {
  std::string type; ///< "slot" and its kin are groupings (is_slot), everything else is a thing.
  count_spec count = uint64_t{1};
  std::string unit;
  std::string label; ///< Unique in the document, save among options; "" when there is none.
  std::string id;
  std::optional<bool> exclusive; ///< Unset: false outside of a slot, true from the slot down.
  std::vector<resource_vertex> with;

  friend bool operator==(const resource_vertex&, const resource_vertex&) = default;
};

/// What `task_spec::count` counts.
enum class task_rule : uint8_t { per_slot, per_resource, total };

/// One program and how many of it.
struct task_spec {
  std::vector<std::string> command;
  std::string slot; ///< Label of the slot in which the tasks run.
  task_rule rule = task_rule::per_slot;
  uint64_t count = 1;
  std::string per_type;     ///< The resource type of task_rule::per_resource.
  std::string distribution; ///< A hint; "" when there is none.
  json attributes;          ///< Free mapping; null when there is none.

  friend bool operator==(const task_spec&, const task_spec&) = default;
};

/// A variable's value, or nothing: the variable is removed from the job's environment.
using environment_map = std::map<std::string, std::optional<std::string>>;

/// attributes.system. What has a field here is not in `rest`.
struct system_attributes {
  std::optional<double> duration; ///< Seconds; 0 = unlimited; unset = the instance's default.
  std::optional<environment_map> environment;
  std::string cwd;      ///< Absolute; "" when unset.
  std::string job_name; ///< job.name; "" when unset.
  std::string queue;    ///< "" when unset.
  json constraints;     ///< RFC 31 object; null when unset.
  json dependencies;    ///< List of objects with scheme and value (RFC 26); null when unset.
  json shell_options;   ///< shell.options; null when unset.
  json rest;            ///< All other keys of system (bank, project, files, ...): an object.

  friend bool operator==(const system_attributes&, const system_attributes&) = default;
};

struct jobspec {
  uint32_t version = 1;
  std::vector<resource_vertex> resources;
  std::vector<task_spec> tasks;
  system_attributes system;
  json user; ///< attributes.user; null when unset.

  friend bool operator==(const jobspec&, const jobspec&) = default;
};

/// Reads and checks a jobspec in JSON or YAML. Errors: ec::too_big (more than `bytes_max`, refused
/// unread), ec::bad_json (syntax, with line and column), ec::bad_jobspec (starts with the key's
/// path, says what would be right and what was found).
caf::expected<jobspec> parse_jobspec(std::string_view text,
                                     size_t bytes_max = limits::jobspec_bytes_max);

/// Checks a document that is already parsed. Errors: ec::bad_jobspec.
caf::expected<jobspec> read_jobspec(const json& document);

/// The document as JSON; parse_jobspec of it gives an equal jobspec.
json to_json(const jobspec& spec);

/// The one text of this jobspec: no blanks, keys in alphabetical order, counts in their simplest
/// form. What is stored and hashed: equal jobspecs have equal text.
std::string canonical_json(const jobspec& spec);

/// Slots that are a choice: of "or_slot"s side by side as many are made as their count says, of
/// whatever kind; of "xor_slot"s side by side one kind. Options side by side may have one label.
bool is_option(std::string_view type);

/// A "slot", or an option.
bool is_slot(std::string_view type);

/// The labels of the slots, options too, in the order of the document.
std::vector<std::string> slot_labels(const std::vector<resource_vertex>& resources);

/// job.name, or the base name of the command.
std::string job_name_of(const jobspec& spec);

/// The base name of a command's first word.
std::string program_name(std::string_view program);

} // namespace hactor
