// Fluxion's option strings, "queue-policy=easy queue-params=queue-depth=41", as attributes of ours:
// scripts that were written for it have them in the environment. Caller: mpi-boot, at the start.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/config.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// Where each kind of option string is found.
inline constexpr auto qmanager_options_variable = "FLUXION_QMANAGER_OPTIONS";
inline constexpr auto resource_options_variable = "FLUXION_RESOURCE_OPTIONS";

/// Sets the attributes that the options of `variable` mean; one that a person has set stays.
/// Options are separated by blanks, nested ones by commas. Returns a note for each that means
/// nothing here. Errors: ec::bad_argument, naming the variable and the option, with near names.
caf::expected<std::vector<std::string>>
apply_fluxion_options(config& attributes, std::string_view variable, std::string_view text);

} // namespace hactor
