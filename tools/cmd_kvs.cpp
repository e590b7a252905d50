// hactor kvs put, unlink, link, mkdir, copy, move, namespace: what changes the key-value store.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cerrno>
#include <cstdlib>

#include <unistd.h>

#include "runtime/base64.hpp"
#include "store/kvs_types.hpp"
#include "tools/commands.hpp"
#include "tools/kvs_request.hpp"
#include "workflow/utf8_words.hpp"

namespace hactor::tools {

std::string kvs_space(const parsed_options& options) {
  if (options.has("namespace"))
    return options.value("namespace");
  auto* set = std::getenv("HACTOR_KVS_NAMESPACE");
  return set != nullptr && *set != '\0' ? set : kvs_primary;
}

caf::error check_kvs_words(const parsed_options& options) {
  auto is_put = options.of == &kvs_put_command; // whose values may be any bytes
  for (auto& word : options.operands)
    if (auto e = workflow::check_utf8(is_put ? word.substr(0, word.find('=')) : word))
      return e;
  for (auto& [option, value] : options.values)
    if (auto e = workflow::check_utf8(value))
      return e;
  return {};
}

caf::expected<std::string> kvs_bytes(const json& answer) {
  auto bytes = decode_base64(text_at(answer, "data"));
  if (!bytes)
    return make_error(ec::bad_json, "the instance sent a value that is not base64");
  return std::move(*bytes);
}

std::string kvs_root_object(const json& root) {
  return dump({{"ver", 1}, {"type", "dirref"}, {"data", {text_at(root, "reference")}}});
}

caf::expected<int> kvs_commit(const invocation& call, client& broker, const std::string& space,
                              json operations) {
  auto root = broker.ask("kvs.commit", {{"namespace", space}, {"ops", std::move(operations)}});
  if (!root)
    return std::move(root.error());
  auto& o = call.options;
  if (o.has("treeobj-root"))
    print_line(kvs_root_object(*root));
  if (o.has("blobref"))
    print_line(text_at(*root, "reference"));
  if (o.has("sequence"))
    print_line(std::to_string(static_cast<uint64_t>(number_at(*root, "sequence"))));
  return exit_ok;
}

namespace {

// clang-format off
constexpr option_spec put_options[] = {
    kvs_space_option,
    {'r', "raw", nullptr, "A value '-' is read from standard input, to its end."},
    {'j', "json", nullptr, "Values must be JSON, and are stored in their compact form."},
    {'t', "treeobj", nullptr, "Values are tree objects (RFC 11): links, directories, references."},
    {'A', "append", nullptr, "Appends to what is there instead of replacing it."},
    kvs_root_options[0], kvs_root_options[1], kvs_root_options[2],
};

constexpr option_spec unlink_options[] = {
    kvs_space_option,
    {'R', "recursive", nullptr, "Removes directories with all that is in them."},
    {'f', "force", nullptr, "What is not there is no error."},
    kvs_root_options[0], kvs_root_options[1], kvs_root_options[2],
};

constexpr option_spec link_options[] = {
    kvs_space_option,
    {'T', "target-namespace", "NAME", "The target is in this namespace. Default: in the link's."},
    kvs_root_options[0], kvs_root_options[1], kvs_root_options[2],
};

constexpr option_spec mkdir_options[] = {
    kvs_space_option, kvs_root_options[0], kvs_root_options[1], kvs_root_options[2],
};

constexpr option_spec copy_options[] = {
    {'S', "src-namespace", "NAME", "Where the source is. Default: as --namespace."},
    {'D', "dst-namespace", "NAME", "Where the destination is. Default: as --namespace."},
    kvs_space_option,
};

constexpr option_spec create_options[] = {
    {'o', "owner", "UID", "Whose it is: a number. Default: the instance's owner."},
    {'r', "rootref", "BLOBREF", "Begins with this root, as 'kvs getroot -b' prints it."},
};
// clang-format on

caf::expected<std::string> read_input() {
  std::string bytes;
  char buffer[65536];
  for (;;) {
    auto n = ::read(0, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return make_errno_error(ec::system_failed, "standard input", errno);
    if (n == 0)
      return bytes;
    bytes.append(buffer, static_cast<size_t>(n));
    if (bytes.size() > limits::kvs_value_bytes_max)
      return make_error(ec::too_big, "standard input: a value may have "
                                         + std::to_string(limits::kvs_value_bytes_max)
                                         + " bytes at most");
  }
}

/// One KEY=VALUE.
caf::expected<json> put_operation(const parsed_options& o, const std::string& word) {
  auto equals = word.find('=');
  if (equals == std::string::npos || equals == 0)
    return make_error(ec::bad_argument, "'" + word + "': must be KEY=VALUE");
  auto value = word.substr(equals + 1);
  if (value == "-" && (o.has("raw") || o.has("treeobj"))) {
    auto bytes = read_input();
    if (!bytes)
      return std::move(bytes.error());
    value = std::move(*bytes);
  }
  if (o.has("json")) {
    auto parsed = parse_json(value);
    if (!parsed)
      return make_error(ec::bad_json,
                        "'" + word.substr(0, equals) + "': " + render(parsed.error()));
    value = dump(*parsed);
  }
  const char* verb = o.has("treeobj") ? "treeobj" : o.has("append") ? "append" : "put";
  return json{{"op", verb}, {"key", word.substr(0, equals)}, {"data", encode_base64(value)}};
}

int run_put(const invocation& call) {
  auto operations = json::array();
  for (auto& word : call.options.operands) {
    auto op = put_operation(call.options, word);
    if (!op)
      return code_of(op.error()) == ec::bad_argument || code_of(op.error()) == ec::bad_json
               ? fail_usage(call, op.error())
               : fail(call, op.error());
    operations.push_back(std::move(*op));
  }
  return with_broker(call, [&](client& broker) {
    return kvs_commit(call, broker, kvs_space(call.options), std::move(operations));
  });
}

int run_unlink(const invocation& call) {
  auto operations = json::array();
  for (auto& key : call.options.operands)
    operations.push_back({{"op", "unlink"},
                          {"key", key},
                          {"recursive", call.options.has("recursive")},
                          {"force", call.options.has("force")}});
  return with_broker(call, [&](client& broker) {
    return kvs_commit(call, broker, kvs_space(call.options), std::move(operations));
  });
}

int run_mkdir(const invocation& call) {
  auto operations = json::array();
  for (auto& key : call.options.operands)
    operations.push_back({{"op", "mkdir"}, {"key", key}});
  return with_broker(call, [&](client& broker) {
    return kvs_commit(call, broker, kvs_space(call.options), std::move(operations));
  });
}

int run_link(const invocation& call) {
  auto& o = call.options;
  json op{{"op", "link"},
          {"key", o.operands[1]},
          {"value", o.operands[0]},
          {"source", o.value("target-namespace")}};
  return with_broker(call, [&](client& broker) {
    return kvs_commit(call, broker, kvs_space(o), json::array({std::move(op)}));
  });
}

struct copy_ends {
  std::string from, to; // namespaces
};

copy_ends ends_of(const parsed_options& o) {
  auto space = kvs_space(o);
  return {o.value("src-namespace", space), o.value("dst-namespace", space)};
}

int run_copy(const invocation& call) {
  auto& o = call.options;
  auto ends = ends_of(o);
  json op{{"op", "copy"}, {"key", o.operands[1]}, {"value", o.operands[0]}, {"source", ends.from}};
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto done =
        broker.ask("kvs.commit", {{"namespace", ends.to}, {"ops", json::array({std::move(op)})}});
    if (!done)
      return std::move(done.error());
    return exit_ok;
  });
}

int run_move(const invocation& call) {
  auto& o = call.options;
  auto ends = ends_of(o);
  auto apart = ends.from != ends.to;
  json op{{"op", apart ? "copy" : "move"}, {"key", o.operands[1]}, {"value", o.operands[0]}};
  if (apart)
    op["source"] = ends.from;
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto done =
        broker.ask("kvs.commit", {{"namespace", ends.to}, {"ops", json::array({std::move(op)})}});
    if (done && apart)
      done =
          broker.ask("kvs.commit",
                     {{"namespace", ends.from},
                      {"ops", {{{"op", "unlink"}, {"key", o.operands[0]}, {"recursive", true}}}}});
    if (!done)
      return std::move(done.error());
    return exit_ok;
  });
}

int run_namespace_create(const invocation& call) {
  auto& o = call.options;
  auto owner = o.number("owner", 0, 0, UINT32_MAX);
  if (!owner)
    return fail_usage(call, owner.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    for (auto& name : o.operands) {
      json params{{"verb", "create"}, {"namespace", name}, {"reference", o.value("rootref")}};
      if (o.has("owner"))
        params["owner"] = *owner;
      if (auto done = broker.ask("kvs.namespace", params); !done)
        return std::move(done.error());
    }
    return exit_ok;
  });
}

int run_namespace_remove(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    for (auto& name : call.options.operands)
      if (auto done = broker.ask("kvs.namespace", {{"verb", "remove"}, {"namespace", name}}); !done)
        return std::move(done.error());
    return exit_ok;
  });
}

int run_namespace_list(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto found = broker.ask("kvs.namespace", {{"verb", "list"}});
    if (!found)
      return std::move(found.error());
    print_line("NAMESPACE                                 OWNER    VERSION");
    for (auto& root : object_at(*found, "namespaces")) {
      auto line = text_at(root, "namespace");
      line.resize(std::max<size_t>(line.size() + 1, 42), ' ');
      line += std::to_string(static_cast<uint64_t>(number_at(root, "owner")));
      line.resize(std::max<size_t>(line.size() + 1, 51), ' ');
      print_line(line + std::to_string(static_cast<uint64_t>(number_at(root, "sequence"))));
    }
    return exit_ok;
  });
}

int run_kvs(const invocation& call) {
  complain(call, "needs a verb: get, put, dir, ls, unlink, link, readlink, mkdir, copy, move, "
                 "getroot, version, wait or namespace");
  return exit_usage;
}

int run_namespace(const invocation& call) {
  complain(call, "needs a verb: create, remove or list");
  return exit_usage;
}

} // namespace

// clang-format off
const command kvs_command{
    "kvs", group_instance, "keeps values under keys for all programs of the instance", "VERB ...",
    "A key is names joined by dots, 'a.b.c', of which all but the last are directories; '.' is the "
    "topmost. What is written is seen by all ranks when the command has ended, and outlives the "
    "instance with --statedir. Each instance has keys of its own, also one in a job.",
    {}, usual_exits, " hactor kvs put model.step=17\n hactor kvs get model.step", false, 0,
    any_number, run_kvs};

const command kvs_put_command{
    "kvs put", group_instance, "stores values under keys", "[OPTIONS] KEY=VALUE...",
    "All of them or none: readers see all at once. Directories on the way are made. A value has "
    "any bytes, 16 MiB at most.",
    put_options, usual_exits,
    " hactor kvs put a.x=1 a.y=2\n hactor kvs put --raw image=- <file\n"
    " hactor kvs put --append log=\"one line$(printf '\\nx')\"",
    false, 1, any_number, run_put};

const command kvs_unlink_command{
    "kvs unlink", group_instance, "removes keys", "[OPTIONS] KEY...",
    "All of them or none. A directory must be empty, or -R given.",
    unlink_options, usual_exits, " hactor kvs unlink -R model", false, 1, any_number, run_unlink};

const command kvs_link_command{
    "kvs link", group_instance, "makes a key that stands for another", "[OPTIONS] TARGET KEY",
    "Who reads KEY, or a key below it, reads the target, which need not be there yet. Who writes "
    "to KEY replaces the link; who writes below it writes below the target.",
    link_options, usual_exits, " hactor kvs link runs.0017 runs.newest", false, 2, 2, run_link};

const command kvs_mkdir_command{
    "kvs mkdir", group_instance, "makes directories", "[OPTIONS] KEY...",
    "Those on the way are made, too. One that is there stays as it is.",
    mkdir_options, usual_exits, " hactor kvs mkdir runs.0018", false, 1, any_number, run_mkdir};

const command kvs_copy_command{
    "kvs copy", group_instance, "copies a value or a directory", "[OPTIONS] SOURCE KEY",
    "A directory is copied with all that is in it, at no cost: it is a snapshot. 'hactor kvs copy "
    ". snapshots.1' keeps the whole namespace as it is now. What KEY was is replaced.",
    copy_options, usual_exits, " hactor kvs copy model snapshots.model", false, 2, 2, run_copy};

const command kvs_move_command{
    "kvs move", group_instance, "gives a value or a directory another key", "[OPTIONS] SOURCE KEY",
    "In one step within a namespace. Between two it is copied, then removed.",
    copy_options, usual_exits, " hactor kvs move model.new model.old", false, 2, 2, run_move};

const command kvs_namespace_command{
    "kvs namespace", group_instance, "keys apart from all others", "create|remove|list ...",
    "A namespace has a tree of its own. 'primary' is always there; job-ID is that of a job, which "
    "exists once something was written to it.",
    {}, usual_exits, " hactor kvs namespace create scratch", false, 0, any_number, run_namespace};

const command kvs_namespace_create_command{
    "kvs namespace create", group_instance, "makes namespaces", "[OPTIONS] NAME...",
    "Names have no blanks and no '/'. With --rootref it begins as a copy.",
    create_options, usual_exits,
    " hactor kvs namespace create scratch\n hactor kvs put -N scratch a=1", false, 1, any_number,
    run_namespace_create};

const command kvs_namespace_remove_command{
    "kvs namespace remove", group_instance, "removes namespaces with all their keys", "NAME...",
    "Who watches a key in it is told that it is gone.",
    {}, usual_exits, " hactor kvs namespace remove scratch", false, 1, any_number,
    run_namespace_remove};

const command kvs_namespace_list_command{
    "kvs namespace list", group_instance, "lists the namespaces", "",
    "Name, owner, and how many transactions each has seen.",
    {}, usual_exits, " hactor kvs namespace list", false, 0, 0, run_namespace_list};
// clang-format on

} // namespace hactor::tools
