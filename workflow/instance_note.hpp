// How instances are found again: the lead broker leaves a note in a folder that the owner's
// machines share, $HACTOR_INSTANCES or ~/.hactor/instances, and takes it away at its end. A note
// is JSON, mode 0600, and appears and changes as a whole; one that is not ours is not read, since
// it says where we connect.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/json.hpp"

namespace hactor::workflow {

struct instance_note {
  std::string id;       ///< What people type, "i" and eight letters and digits.
  std::string identity; ///< As "hello" tells it.
  std::string name;     ///< "" for none.
  std::string host;
  std::string boot;       ///< Of the kernel under it.
  int32_t pid = 0;        ///< Of the lead broker.
  uint64_t pid_start = 0; ///< By which another process of that number is known, in clock ticks.
  std::string uri;        ///< local://
  std::string tcp;        ///< HOST:PORT, "": it does not listen.
  std::string token;      ///< tcp: the file.
  uint32_t size = 1;      ///< Brokers.
  uint32_t nnodes = 1;    ///< Hosts.
  double started = 0;     ///< Seconds since the epoch.
  std::string command;
  std::string version;
  std::string within; ///< Job of another manager around it, "slurm:ID" (allocation_job); "": none.
};

/// What a note says, as JSON.
json to_json(const instance_note& n);

/// Where notes are; "" when there are none (HACTOR_INSTANCES is empty, or no HOME).
std::string note_folder();

/// The id of an instance: the same after a restart from its state directory.
std::string note_id(int64_t identity);

/// Fills in what is of this process and its host.
void sign(instance_note& n);

/// Writes the note and makes the folder, mode 0700. Returns the path. Errors: ec::system_failed.
caf::expected<std::string> write_note(const instance_note& n);

/// Removes a note if it is still the one of that URI: another instance may have taken its place.
void remove_note(const std::string& path, std::string_view uri);

/// Removes the note of an instance if it is still as it was read.
void remove_note(const instance_note& n);

/// All notes of ours that can be read, the oldest instance first.
std::vector<instance_note> read_notes();

/// The note that is meant by an id, the beginning of one, or a name; one whose instance is gone
/// gives way to one whose is not. Errors: ec::no_instance, ec::bad_argument (several are meant).
caf::expected<instance_note> find_note(std::string_view what);

/// The one of the instance that listens at "HOST:PORT", as notes have it. Errors: ec::no_instance.
caf::expected<instance_note> find_note_of(std::string_view tcp);

/// True when the instance is on this machine; then its socket is the way.
bool is_here(const instance_note& n);

/// True when it was here and its broker is not any more. False is no promise.
bool is_gone(const instance_note& n);

/// The URI by which it is reached from here: its socket here, else TCP, else ssh.
std::string way_to(const instance_note& n);

/// The URI by ssh, from everywhere.
std::string ssh_way_to(const instance_note& n);

} // namespace hactor::workflow
