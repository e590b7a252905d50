// Every message that crosses an actor boundary. One struct a message; a request is verb_request /
// verb_reply, a fact is in the past tense. They stand in the order of the job path, in four parts:
//
//   messages_job.hpp        ingest, job manager, journal, scheduler: from submission to grant
//   messages_run.hpp        exec, shell, tasks, output: what runs
//   messages_instance.hpp   events, brokers, clients
//   messages_kvs.hpp        the key-value store
//
// A change of a struct is a change of the protocol between brokers: raise protocol_version. The
// reading guide is doc/messages.md.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>

#include <caf/atom.hpp>
#include <caf/meta/type_name.hpp>

namespace hactor {

/// Compared when brokers meet; unequal versions do not form an instance.
inline constexpr uint32_t protocol_version = 10;

/// The answer to a request that has no other answer than that it was done.
struct done {
  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, done&) {
    return f(caf::meta::type_name("done"));
  }
};

// -- verbs without data ---------------------------------------------------------------------------

using caf::flush_atom;
using caf::tick_atom;
using caf::timeout_atom;

} // namespace hactor

#include "actors/messages_job.hpp"
#include "actors/messages_run.hpp"
#include "actors/messages_instance.hpp"
#include "actors/messages_kvs.hpp"

#include "actors/message_ids.hpp"
