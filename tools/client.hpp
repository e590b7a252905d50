// The client of the protocol (workflow/client.hpp), under the names by which all commands use it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "workflow/client.hpp"

namespace hactor::tools {

using workflow::client;
using workflow::frame;
using workflow::frame_decoder;
using workflow::frame_kind;

using workflow::append_frame;
using workflow::number_at;
using workflow::object_at;
using workflow::output_with_reader;
using workflow::parse_object;
using workflow::read_output;
using workflow::result_of;
using workflow::text_at;
using workflow::write_output;

} // namespace hactor::tools
