// The verbs of 'hactor kvs', and what they share: which namespace, values as they travel, roots.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "tools/session.hpp"

namespace hactor::tools {

// The commands, for the table of all.
extern const command kvs_command;
extern const command kvs_get_command;
extern const command kvs_put_command;
extern const command kvs_dir_command;
extern const command kvs_ls_command;
extern const command kvs_unlink_command;
extern const command kvs_link_command;
extern const command kvs_readlink_command;
extern const command kvs_mkdir_command;
extern const command kvs_copy_command;
extern const command kvs_move_command;
extern const command kvs_getroot_command;
extern const command kvs_version_command;
extern const command kvs_wait_command;
extern const command kvs_namespace_command;
extern const command kvs_namespace_create_command;
extern const command kvs_namespace_remove_command;
extern const command kvs_namespace_list_command;

/// Options that several verbs have.
inline constexpr option_spec kvs_space_option{
    'N', "namespace", "NAME",
    "The namespace. Default: HACTOR_KVS_NAMESPACE, which tasks of a job have as that of the job; "
    "else primary."};
inline constexpr option_spec kvs_root_options[] = {
    {'O', "treeobj-root", nullptr, "Prints the new root as a tree object."},
    {'b', "blobref", nullptr, "Prints the blobref of the new root."},
    {'s', "sequence", nullptr, "Prints the new version."},
};
inline constexpr option_spec kvs_at_option{
    'a', "at", "ROOT",
    "Looks into this tree object or blobref instead, as 'kvs getroot' prints it."};

/// The namespace that the command is about.
std::string kvs_space(const parsed_options& options);

/// Keys and names of namespaces are UTF-8: what is not would become one that others become, too.
/// Errors: ec::bad_argument.
caf::error check_kvs_words(const parsed_options& options);

/// The bytes under "data" of an answer or an item. Errors: ec::bad_json.
caf::expected<std::string> kvs_bytes(const json& answer);

/// The tree object of a root directory.
std::string kvs_root_object(const json& root);

/// Commits one transaction in `space`, and prints what -O, -b or -s ask for.
caf::expected<int> kvs_commit(const invocation& call, client& broker, const std::string& space,
                              json operations);

} // namespace hactor::tools
