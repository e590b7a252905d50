// hactor kvs get, dir, ls, readlink, getroot, version, wait: what reads the key-value store.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <csignal>

#include "runtime/base64.hpp"
#include "runtime/utf8.hpp"
#include "tools/columns.hpp"
#include "tools/commands.hpp"
#include "tools/kvs_request.hpp"

namespace hactor::tools {

namespace {

// clang-format off
constexpr option_spec get_options[] = {
    kvs_space_option,
    {'r', "raw", nullptr, "Prints the value alone, without a newline behind it."},
    {'j', "json", nullptr, "The value must be JSON, and is printed in its compact form."},
    {'t', "treeobj", nullptr, "Prints the tree object (RFC 11) instead of the value."},
    kvs_at_option,
    {'l', "label", nullptr, "Prints KEY= before each value."},
    {'W', "waitcreate", nullptr, "Waits until the key, and its namespace, are there."},
    {'w', "watch", nullptr,
     "Goes on, and prints each value that takes the place of the one before, until it is removed. "
     "Who reads slowly is told of the newest only."},
    {'A', "append", nullptr,
     "With --watch, which it implies: prints what is appended to the value, and only that.",
     "-S --stream"},
    {'c', "count", "N", "With --watch: ends after N values. Default: does not end."},
};

constexpr option_spec dir_options[] = {
    kvs_space_option,
    {'R', "recursive", nullptr, "Also what is in directories, and in these."},
    {'d', "directory", nullptr, "Prints keys alone, without their values."},
    {'w', "width", "COLUMNS",
     "Cuts lines to so many characters; 0: not at all. Default: the terminal's, if there is one."},
    kvs_at_option,
};

constexpr option_spec ls_options[] = {
    kvs_space_option,
    {'R', "recursive", nullptr, "Also directories in it, and in these."},
    {'d', "directory", nullptr, "Lists directories themselves, not what is in them."},
    {'F', "classify", nullptr, "Appends '.' to directories and '@' to links."},
    {'1', "1", nullptr, "One name a line. Default where standard output is no terminal."},
    {'w', "width", "COLUMNS", "Columns of the output. Default: the terminal's."},
};

constexpr option_spec readlink_options[] = {
    kvs_space_option,
    kvs_at_option,
    {'o', "namespace-only", nullptr, "Prints the namespace of the target, if it has one."},
    {'k', "key-only", nullptr, "Prints the key of the target without its namespace."},
};

constexpr option_spec getroot_options[] = {
    kvs_space_option,
    {'s', "sequence", nullptr, "Prints the version instead."},
    {'o', "owner", nullptr, "Prints the owner instead."},
    {'b', "blobref", nullptr, "Prints the blobref instead."},
};

constexpr option_spec version_options[] = {kvs_space_option};
// clang-format on

/// What is printed of one value.
caf::expected<std::string> shown(const parsed_options& o, const std::string& key,
                                 std::string value) {
  if (o.has("json")) {
    auto parsed = parse_json(value);
    if (!parsed)
      return make_error(ec::bad_json, "key '" + key + "': " + render(parsed.error()));
    value = dump(*parsed);
  }
  if (o.has("label"))
    value = key + "=" + value;
  if (!o.has("raw") && !o.has("append"))
    value += '\n';
  return value;
}

caf::expected<int> get_once(const parsed_options& o, client& broker) {
  auto as = o.has("treeobj") ? "treeobj" : "value";
  for (auto& key : o.operands) {
    auto found = broker.ask(
        "kvs.get", {{"namespace", kvs_space(o)}, {"key", key}, {"at", o.value("at")}, {"as", as}});
    if (!found)
      return std::move(found.error());
    auto value = o.has("treeobj") ? caf::expected<std::string>{text_at(*found, "treeobj")}
                                  : kvs_bytes(*found);
    if (value && o.has("treeobj"))
      value = *value + '\n';
    else if (value)
      value = shown(o, key, std::move(*value));
    if (!value)
      return std::move(value.error());
    print(*value);
  }
  return exit_ok;
}

/// Prints what comes of one key until `count` values have.
caf::expected<int> get_watching(const parsed_options& o, client& broker, uint64_t count) {
  auto& key = o.operands.front();
  broker.watch_output();
  auto tag = broker.request("kvs.watch", {{"namespace", kvs_space(o)},
                                          {"key", key},
                                          {"follow", o.has("append") ? "append" : "value"},
                                          {"waitcreate", o.has("waitcreate")}});
  for (uint64_t seen = 0; seen < count; ++seen) {
    auto f = broker.receive();
    if (!f && broker.output_closed()) {
      ::raise(SIGPIPE); // as the next line that is written would have done
      return 128 + SIGPIPE;
    }
    if (!f)
      return std::move(f.error());
    if (f->tag != tag)
      continue;
    if (f->kind != frame_kind::item) {
      auto end = result_of(*f);
      if (!end)
        return std::move(end.error());
      break;
    }
    auto item = parse_object(f->payload);
    auto value = item ? kvs_bytes(*item) : std::move(item.error());
    if (value)
      value = shown(o, key, std::move(*value));
    if (!value)
      return std::move(value.error());
    print(*value);
    flush_output();
  }
  return exit_ok;
}

int run_get(const invocation& call) {
  auto& o = call.options;
  auto count = o.number("count", UINT64_MAX, 1, UINT64_MAX);
  if (!count)
    return fail_usage(call, count.error());
  const bool watches = o.has("watch") || o.has("append");
  if (o.has("count") && !watches)
    return fail_usage(call, make_error(ec::bad_argument, "--count needs --watch"));
  if (!watches && !o.has("waitcreate"))
    return with_broker(call, [&](client& broker) { return get_once(o, broker); });
  if (o.operands.size() != 1 || o.has("at") || o.has("treeobj"))
    return fail_usage(call, make_error(ec::bad_argument,
                                       "--watch and --waitcreate take one key, and neither --at "
                                       "nor --treeobj"));
  return with_broker(call,
                     [&](client& broker) { return get_watching(o, broker, watches ? *count : 1); });
}

// -- directories ----------------------------------------------------------------------------------

/// All entries of a directory by name.
caf::expected<std::vector<json>> list(const parsed_options& o, client& broker,
                                      const std::string& key, const std::string& at = {}) {
  std::vector<json> entries;
  auto take = [&](const json& part) {
    for (auto& e : object_at(part, "entries"))
      entries.push_back(e);
  };
  auto last = broker.ask("kvs.list", {{"namespace", kvs_space(o)}, {"key", key}, {"at", at}}, 60,
                         [&](const frame& f) {
                           if (auto part = parse_object(f.payload))
                             take(*part);
                         });
  if (!last)
    return std::move(last.error());
  take(*last);
  std::sort(entries.begin(), entries.end(),
            [](auto& a, auto& b) { return text_at(a, "name") < text_at(b, "name"); });
  return entries;
}

std::string below(const std::string& key, const std::string& name) {
  return key == "." ? name : key + "." + name;
}

/// As one line of text: what cannot stand in one is escaped as in C.
std::string printable(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    auto c = static_cast<unsigned char>(bytes.front());
    auto step = c < 0x80 ? utf8_step{1, true} : next_utf8(bytes);
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c < 0x20 || c == 0x7f || !step.valid) {
      static constexpr char digits[] = "0123456789abcdef";
      text += {'\\', 'x', digits[c >> 4], digits[c & 15]};
      step.length = 1;
    } else {
      text += bytes.substr(0, step.length);
    }
    bytes.remove_prefix(step.length);
  }
  return text;
}

/// The text without what is beyond `width` characters; 0: whole.
std::string cut(const std::string& text, size_t width) {
  size_t at = 0;
  for (size_t n = 0; width != 0 && at < text.size(); ++n) {
    if (n == width)
      return text.substr(0, at);
    at += static_cast<unsigned char>(text[at]) < 0x80
              ? 1
              : next_utf8(std::string_view{text}.substr(at)).length;
  }
  return text;
}

caf::expected<std::string> value_of(const parsed_options& o, client& broker, const json& entry,
                                    const std::string& key) {
  if (entry.contains("data"))
    return kvs_bytes(entry);
  auto found =
      broker.ask("kvs.get", {{"namespace", kvs_space(o)}, {"key", key}, {"at", o.value("at")}});
  if (!found)
    return std::move(found.error());
  return kvs_bytes(*found);
}

std::string target_of(const json& entry) {
  auto space = text_at(entry, "namespace");
  return (space.empty() ? "" : space + "::") + text_at(entry, "target");
}

caf::expected<int> print_directory(const parsed_options& o, client& broker, const std::string& key,
                                   size_t width) {
  auto entries = list(o, broker, key, o.value("at"));
  if (!entries)
    return std::move(entries.error());
  for (auto& e : *entries) {
    auto whole = below(key, text_at(e, "name"));
    auto type = text_at(e, "type");
    if (type == "directory") {
      if (!o.has("recursive"))
        print_line(cut(whole + ".", width));
      else if (auto done = print_directory(o, broker, whole, width); !done)
        return done;
    } else if (type == "link") {
      print_line(cut(whole + " -> " + target_of(e), width));
    } else if (o.has("directory")) {
      print_line(cut(whole, width));
    } else {
      auto value = value_of(o, broker, e, whole);
      if (!value)
        return std::move(value.error());
      print_line(cut(whole + " = " + printable(*value), width));
    }
  }
  return exit_ok;
}

int run_dir(const invocation& call) {
  auto& o = call.options;
  auto width = o.number("width", terminal_width(), 0, 1 << 20);
  if (!width)
    return fail_usage(call, width.error());
  auto key = o.operands.empty() ? "." : o.operands.front();
  return with_broker(call, [&](client& broker) { return print_directory(o, broker, key, *width); });
}

/// Names in columns, down before across, as wide as they are; one a line when `width` is 0.
void print_names(const std::vector<std::string>& names, size_t width) {
  size_t longest = 1;
  for (auto& name : names)
    longest = std::max(longest, name.size());
  auto across = std::max<size_t>(1, width / (longest + 2));
  auto down = (names.size() + across - 1) / across;
  for (size_t row = 0; row < down; ++row) {
    std::string line;
    for (size_t i = row; i < names.size(); i += down) {
      line += names[i];
      if (i + down < names.size())
        line.append(longest + 2 - names[i].size(), ' ');
    }
    print_line(std::move(line));
  }
}

std::string classified(const parsed_options& o, const json& entry) {
  auto type = text_at(entry, "type");
  auto mark = !o.has("classify") ? "" : type == "directory" ? "." : type == "link" ? "@" : "";
  return text_at(entry, "name") + mark;
}

caf::expected<int> list_names(const parsed_options& o, client& broker, const std::string& key,
                              size_t width, bool titled, bool& first) {
  auto entries = list(o, broker, key);
  if (!entries)
    return std::move(entries.error());
  if (titled)
    print_line((first ? "" : "\n") + key + ":");
  first = false;
  std::vector<std::string> names;
  for (auto& e : *entries)
    names.push_back(classified(o, e));
  print_names(names, width);
  if (!o.has("recursive"))
    return exit_ok;
  for (auto& e : *entries)
    if (text_at(e, "type") == "directory")
      if (auto done = list_names(o, broker, below(key, text_at(e, "name")), width, true, first);
          !done)
        return done;
  return exit_ok;
}

int run_ls(const invocation& call) {
  auto& o = call.options;
  auto width = o.number("width", terminal_width(), 0, 1 << 20);
  if (!width)
    return fail_usage(call, width.error());
  if (o.has("1"))
    *width = 0;
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto keys = o.operands;
    if (keys.empty())
      keys.push_back(".");
    std::vector<std::string> plain, directories;
    for (auto& key : keys) {
      auto found =
          broker.ask("kvs.get", {{"namespace", kvs_space(o)}, {"key", key}, {"as", "treeobj"}});
      if (!found) {
        // What is a job's own is listed, and no object.
        if (auto entries = list(o, broker, key); !entries)
          return std::move(found.error());
        directories.push_back(key);
        continue;
      }
      auto object = parse_object(text_at(*found, "treeobj"));
      auto is_directory = object && text_at(*object, "type") == "dirref" && !o.has("directory");
      (is_directory ? directories : plain).push_back(key);
    }
    if (!plain.empty())
      print_names(plain, *width);
    bool first = plain.empty();
    for (auto& key : directories)
      if (auto done =
              list_names(o, broker, key, *width, keys.size() > 1 || o.has("recursive"), first);
          !done)
        return done;
    return exit_ok;
  });
}

int run_readlink(const invocation& call) {
  auto& o = call.options;
  if (o.has("namespace-only") && o.has("key-only"))
    return fail_usage(
        call, make_error(ec::bad_argument, "--namespace-only and --key-only exclude each other"));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    for (auto& key : o.operands) {
      auto found = broker.ask(
          "kvs.get",
          {{"namespace", kvs_space(o)}, {"key", key}, {"at", o.value("at")}, {"as", "link"}});
      if (!found)
        return std::move(found.error());
      print_line(o.has("namespace-only") ? text_at(*found, "namespace")
                 : o.has("key-only")     ? text_at(*found, "target")
                                         : target_of(*found));
    }
    return exit_ok;
  });
}

// -- roots ----------------------------------------------------------------------------------------

int run_getroot(const invocation& call) {
  auto& o = call.options;
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto root = broker.ask("kvs.root", {{"namespace", kvs_space(o)}});
    if (!root)
      return std::move(root.error());
    auto number = [&](const char* key) {
      return std::to_string(static_cast<uint64_t>(number_at(*root, key)));
    };
    print_line(o.has("sequence")  ? number("sequence")
               : o.has("owner")   ? number("owner")
               : o.has("blobref") ? text_at(*root, "reference")
                                  : kvs_root_object(*root));
    return exit_ok;
  });
}

int run_version_of(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto root = broker.ask("kvs.root", {{"namespace", kvs_space(call.options)}});
    if (!root)
      return std::move(root.error());
    print_line(std::to_string(static_cast<uint64_t>(number_at(*root, "sequence"))));
    return exit_ok;
  });
}

int run_wait(const invocation& call) {
  auto& text = call.options.operands.front();
  char* end = nullptr;
  auto sequence = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || text.front() == '-' || sequence > INT64_MAX)
    return fail_usage(call, make_error(ec::bad_argument, "'" + text + "': must be a version"));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto tag = broker.request(
        "kvs.watch",
        {{"namespace", kvs_space(call.options)}, {"follow", "version"}, {"sequence", sequence}});
    for (;;) {
      auto f = broker.receive();
      if (!f)
        return std::move(f.error());
      if (f->tag != tag)
        continue;
      if (f->kind == frame_kind::item)
        return exit_ok;
      if (auto end = result_of(*f); !end)
        return std::move(end.error());
    }
  });
}

} // namespace

// clang-format off
const command kvs_get_command{
    "kvs get", group_instance, "prints the values of keys", "[OPTIONS] KEY...",
    "A newline follows each unless --raw is given. job.ID.jobspec, job.ID.R and job.ID.eventlog "
    "are those of a job, and job.ID.guest.KEY what the job wrote; ID is in the form that 'hactor "
    "job id --to=kvs' prints.",
    get_options, usual_exits,
    " hactor kvs get model.step\n hactor kvs get --waitcreate --watch model.step\n"
    " hactor kvs get \"$(hactor job id --to=kvs fuZZybuNNy).R\"",
    false, 1, any_number, run_get};

const command kvs_dir_command{
    "kvs dir", group_instance, "prints the keys of a directory and their values", "[OPTIONS] [KEY]",
    "A line each: KEY = VALUE, DIRECTORY. or KEY -> TARGET. Without a key that of all keys.",
    dir_options, usual_exits, " hactor kvs dir -R model", false, 0, 1, run_dir};

const command kvs_ls_command{
    "kvs ls", group_instance, "lists the names in directories", "[OPTIONS] [KEY...]",
    "Without a key those of the topmost directory.",
    ls_options, usual_exits, " hactor kvs ls -F model", false, 0, any_number, run_ls};

const command kvs_readlink_command{
    "kvs readlink", group_instance, "prints what links stand for", "[OPTIONS] KEY...",
    "A target in another namespace is printed as NAMESPACE::KEY.",
    readlink_options, usual_exits, " hactor kvs readlink runs.newest", false, 1, any_number,
    run_readlink};

const command kvs_getroot_command{
    "kvs getroot", group_instance, "prints what a namespace is right now", "[OPTIONS]",
    "The root directory as a tree object, into which 'hactor kvs get --at' looks later. It is kept "
    "for the next 16 commits; 'hactor kvs copy . KEY' keeps all for good.",
    getroot_options, usual_exits,
    " then=$(hactor kvs getroot)\n hactor kvs get --at \"$then\" model.step", false, 0, 0,
    run_getroot};

const command kvs_version_command{
    "kvs version", group_instance, "prints how many transactions a namespace has seen", "[OPTIONS]",
    "Who tells another this number makes it possible to wait for all before it.",
    version_options, usual_exits, " hactor kvs version", false, 0, 0, run_version_of};

const command kvs_wait_command{
    "kvs wait", group_instance, "waits until a namespace has seen so many transactions",
    "[OPTIONS] VERSION",
    "Ends at once when it has, else when the transaction of that number has been made: what was "
    "written up to it can be read then, from every rank. Who wrote it tells the number, as "
    "'hactor kvs put -s' prints it.",
    version_options, usual_exits, " hactor kvs wait 17", false, 1, 1, run_wait};
// clang-format on

} // namespace hactor::tools
