// How Fluxion is configured, as attributes of ours: its option strings ("queue-policy=easy
// queue-params=queue-depth=41"), which scripts that were written for it have in the environment,
// and its tables in a TOML file. Caller: mpi-boot, at the start.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// Where each kind of option string is found.
inline constexpr auto qmanager_options_variable = "FLUXION_QMANAGER_OPTIONS";
inline constexpr auto resource_options_variable = "FLUXION_RESOURCE_OPTIONS";

/// All names that Fluxion had for them; what an earlier one has set stays.
inline constexpr std::array<const char*, 4> fluxion_option_variables{
    qmanager_options_variable, "FLUX_QMANAGER_OPTIONS", resource_options_variable,
    "FLUX_RESOURCE_OPTIONS"};

/// Sets the attributes that the options of `variable` mean; one that a person has set stays.
/// Options are separated by blanks, nested ones by commas; a comma before the name of an option
/// and '=' separates options, too. `variable` is one of the above. Returns a note for each that
/// means nothing here. Errors: ec::bad_argument, naming the variable and the option, with near
/// names.
caf::expected<std::vector<std::string>>
apply_fluxion_options(config& attributes, std::string_view variable, std::string_view text);

/// The same for the tables [sched-fluxion-qmanager], [sched-fluxion-resource] and [queues.NAME] of
/// a TOML file, of which `text` is the content. Other tables are Flux's: a note tells of each.
/// Errors: ec::bad_argument, beginning with file and line (syntax, key, type or value).
caf::expected<std::vector<std::string>>
apply_fluxion_config(config& attributes, std::string_view file, std::string_view text);

} // namespace hactor
