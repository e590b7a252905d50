// The three descriptors that every program is promised. Called first in main, before anything is
// opened.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

namespace hactor {

/// Opens those of standard input, output and error that are closed, so that no socket or file gets
/// their numbers: input is at its end, output fails when it is written to (EBADF, as closed), and
/// nobody hears of errors.
void open_standard_streams();

} // namespace hactor
