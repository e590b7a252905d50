// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/registry.hpp"

#include <caf/actor_system_config.hpp>

#include "actors/messages.hpp"

namespace hactor {

void register_messages(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::hactor>();
  config.add_error_category(caf::atom("hactor"),
                            [](uint8_t code, caf::atom_value, const caf::message& context) {
                              std::string text = to_string(static_cast<ec>(code));
                              if (!context.empty())
                                text += caf::to_string(context);
                              return text;
                            });
}

} // namespace hactor
