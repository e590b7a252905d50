// hwloc's XML made safe for hwloc: its library trusts what it imports, and crashes on what it did
// not write itself. What is read here is written anew with the objects that matter and sets that
// fit together: no distances, memory attributes, bridges, PCI devices or notes; no groups of no
// processors, and NUMA nodes without memory are groups.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor {

/// The info of a device by which it is told on which PCI device it is: a number of the text's own.
inline constexpr auto card_mark = "HactorCard";

/// Takes what hwloc 1 and 2 write. Errors, starting with "hwloc" and naming the object:
/// ec::too_big, ec::bad_argument (see check_xml; no machine, an unknown type, objects that contain
/// what they cannot, sets of processors that are missing, overlap, or leave their parent's).
caf::expected<std::string> clean_hwloc_xml(std::string_view text);

} // namespace hactor
