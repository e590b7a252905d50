// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/own_brokers.hpp"

#include "runtime/json.hpp"

namespace hactor {

bool has_own_brokers(const job_summary& s) {
  auto notes = parse_json(s.annotations);
  auto* uri = notes ? find_json(*notes, "user.uri") : nullptr;
  if (uri == nullptr || !uri->is_string())
    return false;
  auto& text = uri->get_ref<const std::string&>();
  return text.starts_with("local://") && !text.ends_with("/" + to_string(s.id));
}

} // namespace hactor
