// libpmix's server, wrapped: the only file that includes it. The library has threads and a state of
// its own for the whole process, for which this program exists: a broker under Open MPI already is
// a client of the same library. What tasks want comes out as words (actors/pmix_protocol.hpp), in
// threads of the library; the answers go in on any thread.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "actors/pmix_protocol.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// Starts the server, once in a process; returns the port on 127.0.0.1 at which it speaks with
/// tasks. `folder`: for its files. `host`: this one, as jobs name it. Errors: ec::system_failed.
caf::expected<uint16_t> start_pmix(const std::string& folder, const std::string& host,
                                   std::function<void(const pmix_word&)> say);

/// Ends it. What tasks have asked it to remove behind them is removed.
void stop_pmix();

/// Makes a job known, so that its ranks of this broker may come. Errors: ec::system_failed.
caf::error add_pmix_job(const pmix_job& job);

/// The broker's word about a job that is known.
void tell_pmix(const pmix_word& word);

} // namespace hactor
