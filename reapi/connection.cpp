// See connection.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "reapi/connection.hpp"

namespace hactor::reapi {

caf::expected<std::unique_ptr<connection>> connection::open(const char* uri, bool keep) {
  auto broker = uri == nullptr ? workflow::client::connect() : workflow::client::connect(uri);
  if (!broker)
    return std::move(broker.error());
  return std::unique_ptr<connection>{new connection{std::move(*broker), keep}};
}

caf::expected<json> connection::ask(std::string_view verb, json params) {
  params["verb"] = verb;
  params["keep"] = keep_;
  return broker_.ask("claim", params);
}

} // namespace hactor::reapi
