// hactor: one program, a table of commands. main finds the row, reads its options and runs it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "runtime/near.hpp"
#include "runtime/standard_streams.hpp"
#include "tools/archive_commands.hpp"
#include "tools/commands.hpp"
#include "tools/id_words.hpp"
#include "tools/kvs_request.hpp"
#include "tools/plugin_options.hpp"
#include "tools/say.hpp"
#include "workflow/client.hpp"

namespace hactor::tools {

std::span<const command* const> all_commands() {
  // clang-format off
  static constexpr const command* rows[] = {
    &start_command, &shutdown_command, &submit_command, &run_command, &bulksubmit_command,
    &batch_command, &alloc_command, &mini_command, &tree_command, &multi_prog_command,
    &job_submit_command,
    &jobs_command, &watch_command, &pgrep_command, &pkill_command, &job_command,
    &job_attach_command, &job_list_command,
    &job_status_command, &job_wait_command, &job_wait_event_command, &job_info_command,
    &job_eventlog_command, &job_kill_command, &job_killall_command, &job_raise_command,
    &job_raiseall_command, &job_cancelall_command, &job_urgency_command,
    &job_last_command, &job_timeleft_command, &job_taskmap_command, &job_hostpids_command,
    &job_memo_command, &job_stats_command, &job_namespace_command,
    &job_id_command, &pmi_command, &pmi_barrier_command, &pmi_exchange_command, &pmi_get_command,
    &cancel_command, &update_command, &purge_command, &explain_command, &stuck_command,
    &events_command, &uptime_command,
    &resource_command, &resource_list_command, &resource_status_command, &resource_drain_command,
    &resource_undrain_command, &resource_info_command, &resource_r_command, &resource_show_command,
    &resource_grow_command, &resource_shrink_command, &resource_find_command,
    &resource_attach_command, &resource_detach_command, &resource_set_status_command,
    &resource_set_property_command, &resource_remove_property_command,
    &resource_get_property_command, &resource_claims_command,
    &scheduler_command, &scheduler_status_command,
    &scheduler_unload_command, &scheduler_load_command, &scheduler_reload_command, &queue_command,
    &queue_list_command, &queue_status_command, &queue_stop_command, &queue_start_command,
    &queue_enable_command, &queue_disable_command, &ps_command, &uri_command, &proxy_command,
    &relay_command, &pstree_command, &top_command,
    &kvs_command, &kvs_get_command, &kvs_put_command, &kvs_dir_command, &kvs_ls_command,
    &kvs_unlink_command, &kvs_link_command, &kvs_readlink_command, &kvs_mkdir_command,
    &kvs_copy_command, &kvs_move_command, &kvs_getroot_command, &kvs_version_command,
    &kvs_wait_command, &kvs_namespace_command, &kvs_namespace_create_command,
    &kvs_namespace_remove_command, &kvs_namespace_list_command,
    &archive_command, &archive_create_command, &archive_list_command, &archive_extract_command,
    &archive_remove_command,
    &exec_command, &ping_command, &getattr_command,
    &lsattr_command, &setattr_command, &dmesg_command, &stats_command, &graph_command,
    &graph_info_command, &graph_encode_command, &graph_find_command,
    &graph_query_command, &graph_load_command,
    &ion_resource_command, &ion_match_command, &ion_update_command, &ion_info_command,
    &ion_cancel_command, &ion_partial_cancel_command, &ion_find_command, &ion_status_command,
    &ion_stats_command, &ion_clear_stats_command, &ion_get_property_command, &ion_ns_info_command,
    &ion_params_command, &help_command, &version_command};
  // clang-format on
  return rows;
}

namespace {

const command* find(std::string_view name) {
  for (auto* c : all_commands())
    if (c->name == name)
      return c;
  return nullptr;
}

int unknown(std::string_view noun, std::string_view name) {
  std::vector<std::string_view> names;
  if (noun == mini_command.name)
    for (auto* c : mini_commands())
      names.push_back(c->name);
  for (auto* c : all_commands()) {
    std::string_view known = c->name;
    if (noun.empty() && known.find(' ') == std::string_view::npos)
      names.push_back(known);
    else if (!noun.empty() && known.starts_with(noun) && known.size() > noun.size())
      names.push_back(known.substr(noun.size() + 1));
  }
  auto hint = did_you_mean(name, names);
  if (!noun.empty() && find(name) != nullptr) // 'hactor job jobs' is 'hactor jobs'
    hint = "; did you mean 'hactor " + std::string{name} + "'?";
  auto said = name.starts_with('-') ? "unknown option"
              : noun.empty()        ? "unknown command"
                                    : "unknown verb";
  auto of = noun.empty() ? std::string{} : std::string{noun};
  auto text = (of.empty() ? "hactor" : "hactor-" + of) + ": " + said + " '" + std::string{name}
              + "'" + hint + "\nTry 'hactor " + (of.empty() ? "help" : "help " + of) + "'.\n";
  std::fputs(text.c_str(), stderr);
  return exit_usage;
}

/// The row that the first words name, and how many words that takes; a noun takes its verb along.
struct choice {
  const command* of = nullptr;
  size_t words = 0;
  int refused = exit_ok;
};

/// Names that scripts for Fluxion use of the same thing.
struct fluxion_name {
  std::string_view noun, verb;
  const command* of;
};

constexpr fluxion_name fluxion_names[] = {
    {"ion-R", "encode", &graph_encode_command},
    {"ion-resource", "match", &ion_match_command},
    {"ion-resource", "update", &ion_update_command},
    {"ion-resource", "info", &ion_info_command},
    {"ion-resource", "cancel", &ion_cancel_command},
    {"ion-resource", "partial-cancel", &ion_partial_cancel_command},
    {"ion-resource", "find", &ion_find_command},
    {"ion-resource", "status", &ion_status_command},
    {"ion-resource", "stats", &ion_stats_command},
    {"ion-resource", "stat", &ion_stats_command},
    {"ion-resource", "stats-clear", &ion_clear_stats_command},
    {"ion-resource", "stats-cancel", &ion_clear_stats_command}, // as its help has it
    {"ion-resource", "set-status", &resource_set_status_command},
    {"ion-resource", "get-status", &resource_show_command},
    {"ion-resource", "set-property", &resource_set_property_command},
    {"ion-resource", "get-property", &ion_get_property_command},
    {"ion-resource", "remove-property", &resource_remove_property_command},
    {"ion-resource", "add-subgraph", &resource_attach_command},
    {"ion-resource", "remove-subgraph", &resource_detach_command},
    {"ion-resource", "ns-info", &ion_ns_info_command},
    {"ion-resource", "params", &ion_params_command},
    {"ion-resource", "list", &jobs_command},
};

choice choose_by_fluxion(std::string_view noun, std::string_view verb) {
  std::string verbs;
  for (auto& known : fluxion_names) {
    if (known.noun != noun)
      continue;
    if (known.verb == verb)
      return {known.of, 2, exit_ok};
    verbs += (verbs.empty() ? "" : ", ") + std::string{known.verb};
  }
  std::fprintf(stderr,
               "hactor: of %.*s there are %s; all that it does to a graph of its own is in "
               "'hactor graph query'\n",
               static_cast<int>(noun.size()), noun.data(), verbs.c_str());
  return {nullptr, 0, exit_usage};
}

choice choose(std::span<const char* const> words) {
  std::string_view first = words[0];
  if (first == "ion-R"
      || (first == ion_resource_command.name && words.size() > 1 && words[1][0] != '-'))
    return choose_by_fluxion(first, words.size() > 1 ? words[1] : "");
  if (first == "-h" || first == "--help")
    first = "help";
  if (first == "-V" || first == "--version")
    first = "version";
  auto* c = find(first);
  if (c == nullptr)
    return {nullptr, 0, unknown({}, words[0])};
  if (c == &mini_command && words.size() > 1 && words[1][0] != '-') {
    for (auto* verb : mini_commands())
      if (std::string_view{verb->name} == words[1])
        return {verb, 2, exit_ok};
    return {nullptr, 0, unknown(first, words[1])};
  }
  auto is_noun = c == &job_command || c == &resource_command || c == &queue_command
                 || c == &graph_command || c == &scheduler_command || c == &kvs_command
                 || c == &archive_command || c == &pmi_command;
  if (!is_noun || words.size() < 2 || words[1][0] == '-')
    return {c, 1, exit_ok};
  auto* verb = find(std::string{first} + " " + words[1]);
  // Flux has these as verbs of job too.
  if (verb == nullptr && c == &job_command)
    for (auto* other : {&cancel_command, &purge_command})
      if (std::string_view{other->name} == words[1])
        verb = other;
  if (verb == nullptr)
    return {nullptr, 0, unknown(first, words[1])};
  if (verb != &kvs_namespace_command || words.size() < 3 || words[2][0] == '-')
    return {verb, 2, exit_ok};
  auto* below = find(std::string{verb->name} + " " + words[2]);
  if (below == nullptr)
    return {nullptr, 0, unknown(verb->name, words[2])};
  return {below, 3, exit_ok};
}

/// --log and --log-stderr of the commands that submit.
caf::error redirect(const parsed_options& options) {
  struct {
    const char* option;
    bool output;
  } rows[] = {{"log", true}, {"log-stderr", false}};
  for (auto& row : rows) {
    auto given = std::find_if(options.values.rbegin(), options.values.rend(), [&](auto& v) {
      return std::string_view{v.first->name} == row.option;
    });
    if (given == options.values.rend())
      continue;
    auto open = given->second.find('{');
    if (open != std::string::npos && given->second.find('}', open) != std::string::npos)
      return make_error(ec::bad_argument,
                        std::string{"--"} + row.option + ": " + given->second
                            + ": is this command's, of which there is one, so that nothing is "
                              "filled in; --output and --error are each job's");
    auto fd =
        ::open(given->second.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
      return make_errno_error(ec::system_failed,
                              std::string{"--"} + row.option + ": " + given->second, errno);
    ::dup2(fd, 2);
    if (row.output)
      ::dup2(fd, 1);
    ::close(fd);
  }
  return {};
}

/// In front of the command, --instance=TARGET or --instance TARGET: as HACTOR_URI=TARGET. Takes the
/// words; false when there is no target.
bool take_instance(std::span<const char* const>& words) {
  constexpr std::string_view option = "--instance";
  while (!words.empty() && std::string_view{words[0]}.starts_with(option)) {
    std::string_view word = words[0];
    auto joined = word.size() > option.size() && word[option.size()] == '=';
    if (!joined && word.size() > option.size())
      return true; // another option, which there is not
    if (!joined && words.size() < 2)
      return false;
    std::string target{joined ? word.substr(option.size() + 1) : std::string_view{words[1]}};
    if (target.empty())
      return false;
    ::setenv("HACTOR_URI", target.c_str(), 1);
    words = words.subspan(joined ? 1 : 2);
  }
  return true;
}

int run(std::span<const char* const> words) {
  if (!take_instance(words)) {
    std::fputs("hactor: --instance needs a URI, or an id or name that 'hactor ps' shows\n", stderr);
    return exit_usage;
  }
  if (words.empty()) {
    print(overview());
    return finish_output("hactor", exit_usage);
  }
  auto chosen = choose(words);
  if (chosen.of == nullptr)
    return chosen.refused;
  auto extended = with_plugin_options(*chosen.of);
  auto& c = extended ? **extended : *chosen.of;
  std::string program = "hactor-" + std::string{c.name};
  for (auto& letter : program)
    if (letter == ' ')
      letter = '-';
  auto options = extended ? parse_options(c, words.subspan(chosen.words))
                          : caf::expected<parsed_options>{std::move(extended.error())};
  if (!options) {
    parsed_options none;
    none.of = &c;
    auto code = fail_usage({program, none}, options.error());
    std::fprintf(stderr, "Try 'hactor %s --help'.\n", c.name);
    return code;
  }
  if (options->help) {
    print(manual(c));
    return finish_output(program.c_str(), exit_ok);
  }
  auto count = options->operands.size();
  if (count < c.operands_min || count > c.operands_max) {
    auto what = count < c.operands_min ? "too few arguments" : "too many arguments";
    std::fprintf(stderr, "%s: %s\nUsage: hactor %s %s\n", program.c_str(), what, c.name,
                 c.synopsis);
    return exit_usage;
  }
  if (auto e = program.starts_with("hactor-kvs-") ? check_kvs_words(*options) : caf::error{})
    return fail_usage({program, *options}, e);
  if (auto e = redirect(*options))
    return fail_usage({program, *options}, e);
  auto placed = place_ids(*options);
  if (!placed)
    return fail_usage({program, *options}, placed.error());
  int code = exit_ok;
  auto own = workflow::own_uri();
  for (auto& one : *placed) {
    if (own) // else the command says so
      ::setenv("HACTOR_URI", one.uri.empty() ? own->c_str() : one.uri.c_str(), 1);
    code = std::max(code, c.run({program, one.options}));
  }
  return finish_output(program.c_str(), code);
}

} // namespace

} // namespace hactor::tools

int main(int argc, char** argv) {
  hactor::open_standard_streams();
  std::signal(SIGPIPE, SIG_IGN); // a reader that went away is an error of write, not our death
  auto count = static_cast<size_t>(argc);
  return hactor::tools::run(std::span<const char* const>{argv, count}.subspan(1));
}
