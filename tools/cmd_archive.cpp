// hactor archive create, list, extract, remove: files that many nodes are to have go through the
// key-value store.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>

#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/kvs_types.hpp"
#include "tools/archive_keys.hpp"
#include "tools/archive_commands.hpp"
#include "tools/commands.hpp"
#include "tools/kvs_request.hpp"
#include "tools/packer.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

// clang-format off
constexpr option_spec space_option{
    0, "no-force-primary", nullptr,
    "In the namespace HACTOR_KVS_NAMESPACE. Default: in primary, also within a job."};
constexpr option_spec name_option{
    'n', "name", "NAME", "The archive, which is the key archive.NAME. Default: main."};

constexpr option_spec create_options[] = {
    name_option,
    {'C', "directory", "DIR", "Goes there first: the paths begin there."},
    {0, "overwrite", nullptr, "Replaces the archive if there is one."},
    {0, "append", nullptr, "Adds to the archive if there is one; files of the same path are "
                           "replaced, with what is below those that were folders. Of two appends "
                           "at once the later wins."},
    {0, "chunksize", "SIZE", "Bytes of a blob, up to 16M; 0: as large as can be. Default: 1M."},
    {0, "small-file-threshold", "SIZE",
     "Files up to this size stand in the archive itself. Default: 1K."},
    {'v', "verbose", nullptr, "Lists the files on standard error."},
    space_option,
};

constexpr option_spec list_options[] = {
    name_option,
    {'l', "long", nullptr, "With type, mode, size and where links lead."},
    {0, "raw", nullptr, "As JSON (RFC 37), a line each."},
    space_option,
};

constexpr option_spec extract_options[] = {
    {'n', "name", "NAME", "The archive, or several joined by commas. Default: main."},
    {'C', "directory", "DIR", "Puts the files there. Default: where we are."},
    {0, "overwrite", nullptr, "Replaces files that are there, which else are an error if they "
                              "differ."},
    {'t', "list-only", nullptr, "Lists the files only."},
    {'v', "verbose", nullptr, "Lists the files on standard error."},
    space_option,
};

constexpr option_spec remove_options[] = {
    name_option,
    {'f', "force", nullptr, "One that is not there is no error."},
    space_option,
};
// clang-format on

/// The signal that is to end us; 0: none. What was begun is then removed.
volatile std::sig_atomic_t ended_by = 0;

void clean_up_when_ended() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { ended_by = signal; };
  action.sa_flags = static_cast<int>(SA_RESETHAND); // who asks twice does not wait
  for (auto signal : {SIGINT, SIGTERM, SIGHUP})
    ::sigaction(signal, &action, nullptr);
}

caf::error check_ended() {
  if (ended_by == 0)
    return {};
  return make_error(ec::cancelled,
                    fmt::format("was ended by signal {}", static_cast<int>(ended_by)));
}

std::string space_of(const parsed_options& o) {
  auto* set = std::getenv("HACTOR_KVS_NAMESPACE");
  return o.has("no-force-primary") && set != nullptr && *set != '\0' ? set : kvs_primary;
}

caf::expected<std::vector<archive_name>> names_of(const parsed_options& o) {
  std::vector<archive_name> all;
  for (auto& name : split_commas(o.value("name", "main"))) {
    if (auto e = check_archive_name(name))
      return make_error(code_of(e), "--name: " + render(e));
    all.push_back({space_of(o), name});
  }
  if (all.empty())
    return make_error(ec::bad_argument, "--name: names no archive");
  return all;
}

caf::expected<archive_name> name_of(const parsed_options& o) {
  if (auto e = check_archive_name(o.value("name", "main")))
    return make_error(code_of(e), "--name: " + render(e));
  return archive_name{space_of(o), o.value("name", "main")};
}

/// Bytes, as a number with k, K, M or G.
caf::expected<uint64_t> size_option(const parsed_options& o, std::string_view name,
                                    uint64_t otherwise, uint64_t max) {
  if (!o.has(name))
    return otherwise;
  auto text = o.value(name);
  char* end = nullptr;
  auto n = std::strtod(text.c_str(), &end);
  std::string_view unit = end;
  constexpr std::string_view units = "kKMG";
  auto letter = unit.size() == 1 ? units.find(unit[0]) : units.npos;
  constexpr double factors[] = {1 << 10, 1 << 10, 1 << 20, 1 << 30};
  if (letter != units.npos)
    n *= factors[letter];
  auto is_size = end != text.c_str() && (unit.empty() || letter != units.npos);
  if (!is_size || !(n >= 0) || n > static_cast<double>(max))
    return make_error(ec::bad_argument,
                      fmt::format("--{}: must be 0 to {} bytes, or a number with k, M or G, not "
                                  "'{}'",
                                  name, max, text));
  return static_cast<uint64_t>(n);
}

bool is_meant(const parsed_options& o, const archive_file& file) {
  return o.operands.empty() || ::fnmatch(o.operands.front().c_str(), file.path.c_str(), 0) == 0;
}

/// The files of an archive that are meant.
caf::expected<std::vector<archive_file>> files_of(const parsed_options& o, client& broker,
                                                  const archive_name& of) {
  auto archive = load_archive(broker, of);
  if (!archive)
    return std::move(archive.error());
  auto files = read_archive(*archive, {ec::store_corrupt, of.key()});
  if (files)
    std::erase_if(*files, [&o](const archive_file& f) { return !is_meant(o, f); });
  return files;
}

// -- create ---------------------------------------------------------------------------------------

caf::expected<int> create(const parsed_options& o, client& broker, const archive_name& of,
                          pack_sizes sizes) {
  auto how = o.has("overwrite") ? archive_start::overwrite
             : o.has("append")  ? archive_start::append
                                : archive_start::fresh;
  auto maker = archive_maker::begin(broker, of, how);
  if (!maker)
    return std::move(maker.error());
  packer files{sizes,
               [&maker](const std::string& blob, std::string bytes) {
                 auto e = check_ended();
                 return e ? e : maker->take(blob, std::move(bytes));
               },
               [&o, &maker](archive_file file) {
                 if (o.has("verbose"))
                   fmt::print(stderr, "{}\n", file.path);
                 return maker->add(std::move(file));
               }};
  caf::error failed;
  for (auto& path : o.operands)
    if (!failed && !(failed = check_ended()))
      failed = files.add(path);
  if (!failed && !(failed = check_ended()))
    failed = maker->finish();
  if (!failed)
    return exit_ok;
  maker->give_up();
  return failed;
}

int run_create(const invocation& call) {
  auto& o = call.options;
  auto of = name_of(o);
  if (!of)
    return fail_usage(call, of.error());
  if (o.has("overwrite") && o.has("append"))
    return fail_usage(call,
                      make_error(ec::bad_argument, "--overwrite and --append exclude each other"));
  auto small = size_option(o, "small-file-threshold", pack_sizes{}.small_bytes, 8u << 20);
  auto chunk = size_option(o, "chunksize", pack_sizes{}.chunk_bytes, limits::kvs_value_bytes_max);
  for (auto* size : {&small, &chunk})
    if (!*size)
      return fail_usage(call, size->error());
  if (*chunk == 0)
    *chunk = limits::kvs_value_bytes_max;
  for (auto& path : o.operands) // of what was typed
    if (auto clean = archive_path_of(path); !clean || path.empty())
      return fail_usage(call, clean ? make_error(ec::bad_argument, "'': is no path")
                                    : std::move(clean.error()));
  if (auto folder = o.value("directory"); o.has("directory") && ::chdir(folder.c_str()) != 0)
    return fail_usage(call, make_errno_error(ec::system_failed, "--directory: " + folder, errno));
  clean_up_when_ended();
  return with_broker(call, [&](client& broker) {
    return create(o, broker, *of, {*small, *chunk});
  });
}

// -- list -----------------------------------------------------------------------------------------

std::string long_line(const archive_file& file) {
  std::string mode = file.is_folder() ? "d" : file.is_link() ? "l" : "-";
  for (int bit = 8; bit >= 0; --bit)
    mode += (file.mode >> bit & 1) != 0 ? "xwr"[bit % 3] : '-';
  return fmt::format("{} {:>12} {}{}", mode, file.size, file.path,
                     file.is_link() ? " -> " + file.data : "");
}

int run_list(const invocation& call) {
  auto& o = call.options;
  auto of = name_of(o);
  if (!of)
    return fail_usage(call, of.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto files = files_of(o, broker, *of);
    if (!files)
      return std::move(files.error());
    for (auto& file : *files)
      print_line(o.has("raw")    ? dump(to_archive_json(file))
                 : o.has("long") ? long_line(file)
                                 : file.path);
    return exit_ok;
  });
}

// -- extract --------------------------------------------------------------------------------------

/// What of the error the person can do something about.
caf::error advised(const caf::error& e) {
  return code_of(e) == ec::busy ? make_error(ec::busy, render(e) + "; --overwrite replaces files")
                                : e;
}

caf::error extract(const parsed_options& o, client& broker, const archive_name& of,
                   const std::vector<archive_file>& files, unpacker& to) {
  auto load = [blobs = blobs_of(broker, of)](
                  const std::string& blob) -> caf::expected<std::string> {
    if (auto e = check_ended())
      return e;
    return blobs(blob);
  };
  for (auto& file : files) {
    if (auto e = check_ended())
      return e;
    if (auto e = to.make(file, load))
      return advised(e);
    if (o.has("verbose"))
      fmt::print(stderr, "{}\n", file.path);
  }
  return {};
}

caf::expected<int> extract_all(const parsed_options& o, client& broker,
                               const std::vector<archive_name>& names) {
  auto to = unpacker::open(o.value("directory", "."), o.has("overwrite"));
  if (!to)
    return std::move(to.error());
  size_t count = 0;
  for (auto& of : names) {
    auto files = files_of(o, broker, of);
    if (!files)
      return std::move(files.error());
    count += files->size();
    if (!o.has("list-only")) {
      if (auto e = extract(o, broker, of, *files, *to))
        return e;
    } else {
      for (auto& file : *files)
        print_line(file.path);
    }
  }
  if (auto e = to->finish())
    return e;
  if (count == 0 && !o.operands.empty())
    return make_error(ec::unknown_key,
                      fmt::format("pattern '{}': no file has such a path", o.operands.front()));
  return exit_ok;
}

int run_extract(const invocation& call) {
  auto& o = call.options;
  auto names = names_of(o);
  if (!names)
    return fail_usage(call, names.error());
  clean_up_when_ended();
  return with_broker(call, [&](client& broker) { return extract_all(o, broker, *names); });
}

// -- remove ---------------------------------------------------------------------------------------

int run_remove(const invocation& call) {
  auto of = name_of(call.options);
  if (!of)
    return fail_usage(call, of.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    if (auto e = remove_archive(broker, *of, call.options.has("force")))
      return e;
    return exit_ok;
  });
}

int run_archive(const invocation& call) {
  complain(call, "needs a verb: create, list, extract or remove");
  return exit_usage;
}

} // namespace

// clang-format off
const command archive_command{
    "archive", group_instance, "carries files to where they are needed", "VERB ...",
    "An archive has files, folders and symbolic links with their modes and times. It is kept under "
    "the key archive.NAME of the instance's key-value store, so that every rank gets it from there "
    "and not from a file system that all would ask at once. Equal content is kept once, holes not "
    "at all.\n\n"
    "'hactor run -O stage-in' has the files put into HACTOR_JOB_TMPDIR of each node of a job "
    "before its first task: see doc/shell-options.md.",
    {}, usual_exits,
    " hactor archive create --name=app -C /project app\n"
    " hactor run -N16 -O stage-in.names=app '{{tmpdir}}/app'\n hactor archive remove --name=app",
    false, 0, any_number, run_archive};

const command archive_create_command{
    "archive create", group_instance, "makes an archive of files", "[OPTIONS] PATH...",
    "Folders are archived with all that is in them, links as links. Leading slashes of a PATH are "
    "left out. What cannot be read, or is no file, folder or link, is an error, and so is a file "
    "that changes meanwhile: there is no archive then, or it is what it was. So it is when the "
    "archive is removed meanwhile, or, without --overwrite and --append, when another makes one of "
    "that name first.\n\n"
    "The list of the files, with the small ones that stand in it and 80 bytes for each blob of the "
    "others, has 16 MiB at most: more make several archives.",
    create_options, usual_exits,
    " hactor archive create -C /project dataset1\n"
    " hactor archive create --name=app --append app lib",
    false, 1, any_number, run_create};

const command archive_list_command{
    "archive list", group_instance, "lists what is in an archive", "[OPTIONS] [PATTERN]",
    "With PATTERN the files whose paths match it; '*' stands for slashes, too. 'hactor kvs ls "
    "archive' lists the archives.",
    list_options, usual_exits, " hactor archive list --long '*.dat'", false, 0, 1, run_list};

const command archive_extract_command{
    "archive extract", group_instance, "puts the files of archives into a folder",
    "[OPTIONS] [PATTERN]",
    "With PATTERN the files whose paths match it; '*' stands for slashes, too. No file is put "
    "outside of the folder, or through a symbolic link, and none is there before it is whole.\n\n"
    "A file that is there and has the same content, and is executable or not as the archive's, "
    "stays as it is, and so does a link to the same place: what was stopped is completed when it "
    "is extracted again. Folders that are there keep their modes and times, but for --overwrite.",
    extract_options, usual_exits,
    " hactor exec -r all hactor archive extract -C /tmp/project\n"
    " hactor archive extract --name=app,dataset1 '*.so'",
    false, 0, 1, run_extract};

const command archive_remove_command{
    "archive remove", group_instance, "removes an archive", "[OPTIONS]",
    "Its keys go, and with them what no other archive has. So does what a create that was killed "
    "has left; one of that name that is under way fails.",
    remove_options, usual_exits, " hactor archive remove --name=app", false, 0, 0, run_remove};
// clang-format on

} // namespace hactor::tools
