// A nested instance that gets more nodes, or gives some back, while it lives.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "actors/instance.hpp"

namespace hactor {

caf::result<resize_reply> grow_instance(instance_state& st, const instance_grow& r);
caf::result<instance_shrunk> shrink_instance(instance_state& st, const instance_shrink& r);

} // namespace hactor
