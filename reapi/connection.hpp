// A program's connection to the scheduler of an instance, by the client protocol (method "claim"):
// what is behind a handle of module mode. The bindings (reapi_module.cpp, reapi_module_c.cpp) turn
// its errors into errno.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/json.hpp"
#include "workflow/client.hpp"

namespace hactor::reapi {

class connection {
public:
  /// `keep`: claims stay when the connection ends. Errors: ec::no_instance, ec::bad_argument (no
  /// URI that it could be).
  static caf::expected<std::unique_ptr<connection>> open(const char* uri, bool keep);

  /// Asks one verb of the method. `params` gets the verb. Errors: those of claim_request
  /// (actors/messages_job.hpp), of the connection, and ec::timed_out.
  caf::expected<json> ask(std::string_view verb, json params);

  /// Remembers what went wrong, for hactor_reapi_error.
  void note(std::string text) { error_ = std::move(text); }
  const std::string& error() const { return error_; }

private:
  connection(workflow::client broker, bool keep) : broker_{std::move(broker)}, keep_{keep} {}

  workflow::client broker_;
  bool keep_;
  std::string error_;
};

} // namespace hactor::reapi
