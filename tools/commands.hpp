// The commands, one a file; hactor.cpp puts them in the order of the help.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "tools/command.hpp"

namespace hactor::tools {

extern const command start_command;
extern const command submit_command;
extern const command mini_command;
extern const command run_command;
extern const command bulksubmit_command;
extern const command batch_command;
extern const command alloc_command;
extern const command tree_command;
extern const command jobs_command;
extern const command watch_command;
extern const command pgrep_command;
extern const command pkill_command;
extern const command job_last_command;
extern const command job_timeleft_command;
extern const command job_taskmap_command;
extern const command cancel_command;
extern const command purge_command;
extern const command job_command;
extern const command job_attach_command;
extern const command job_eventlog_command;
extern const command job_id_command;
extern const command job_list_command;
extern const command job_info_command;
extern const command job_kill_command;
extern const command job_raise_command;
extern const command job_killall_command;
extern const command job_cancelall_command;
extern const command job_raiseall_command;
extern const command job_hostpids_command;
extern const command job_memo_command;
extern const command job_namespace_command;
extern const command job_stats_command;
extern const command update_command;
extern const command multi_prog_command;
extern const command job_status_command;
extern const command job_submit_command;
extern const command job_urgency_command;
extern const command job_wait_command;
extern const command job_wait_event_command;
extern const command events_command;
extern const command resource_command;
extern const command resource_list_command;
extern const command resource_status_command;
extern const command resource_drain_command;
extern const command resource_undrain_command;
extern const command resource_info_command;
extern const command resource_r_command;
extern const command resource_grow_command;
extern const command resource_shrink_command;
extern const command resource_show_command;
extern const command resource_find_command;
extern const command resource_attach_command;
extern const command resource_detach_command;
extern const command resource_set_status_command;
extern const command resource_set_property_command;
extern const command resource_remove_property_command;
extern const command resource_get_property_command;
extern const command resource_claims_command;
// Of Fluxion's names.
extern const command ion_resource_command;
extern const command ion_match_command;
extern const command ion_update_command;
extern const command ion_cancel_command;
extern const command ion_partial_cancel_command;
extern const command ion_info_command;
extern const command ion_find_command;
extern const command ion_status_command;
extern const command ion_stats_command;
extern const command ion_clear_stats_command;
extern const command ion_get_property_command;
extern const command ion_ns_info_command;
extern const command ion_params_command;
extern const command scheduler_command;
extern const command scheduler_status_command;
extern const command scheduler_unload_command;
extern const command scheduler_load_command;
extern const command scheduler_reload_command;
extern const command queue_command;
extern const command queue_list_command;
extern const command queue_status_command;
extern const command queue_stop_command;
extern const command queue_start_command;
extern const command queue_enable_command;
extern const command queue_disable_command;
extern const command explain_command;
extern const command graph_command;
extern const command graph_find_command;
extern const command graph_info_command;
extern const command graph_load_command;
extern const command graph_encode_command;
extern const command graph_query_command;
extern const command proxy_command;
extern const command ps_command;
extern const command pmi_command;
extern const command pmi_barrier_command;
extern const command pmi_exchange_command;
extern const command pmi_get_command;
extern const command uri_command;
extern const command relay_command;
extern const command pstree_command;
extern const command top_command;
extern const command exec_command;
extern const command uptime_command;
extern const command ping_command;
extern const command getattr_command;
extern const command lsattr_command;
extern const command setattr_command;
extern const command dmesg_command;
extern const command stats_command;
extern const command shutdown_command;
extern const command help_command;
extern const command version_command;

inline constexpr const char* group_start = "Starting and ending";
inline constexpr const char* group_submit = "Submitting";
inline constexpr const char* group_jobs = "Looking at jobs and controlling them";
inline constexpr const char* group_instance = "The instance";
inline constexpr const char* group_graph = "Resource graphs";
inline constexpr const char* group_help = "Help";

/// What most commands can end with.
inline constexpr const char* usual_exits =
    " 0  done\n 1  it failed; the reason is on standard error\n"
    " 2  the command line is wrong";

} // namespace hactor::tools
