// See instance_note.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/instance_note.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <tuple>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hactor::workflow {

namespace {

constexpr size_t note_bytes_max = 64 << 10;
constexpr const char* suffix = ".json";

std::string own_host() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

std::string own_boot() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string text;
  std::getline(file, text);
  return text;
}

/// When the process began, in clock ticks since the kernel's start; 0: there is none, or it has
/// ended and nobody has looked.
uint64_t start_of(int32_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  auto at = text.rfind(')'); // a name may have blanks and brackets
  if (at == text.npos || text.compare(at, 3, ") Z") == 0)
    return 0;
  for (int field = 2; field < 22 && at != text.npos; ++field)
    at = text.find(' ', at + 1);
  return at == text.npos ? 0 : std::strtoull(text.c_str() + at, nullptr, 10);
}

/// Makes a folder and those above it that are missing, for us alone.
caf::error make_folder(const std::string& path) {
  for (size_t at = 1; at != path.npos;) {
    at = path.find('/', at + 1);
    auto part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return make_errno_error(ec::system_failed, part, errno);
  }
  return {};
}

/// A descriptor, closed with it; -1: it could not be opened.
class opened {
public:
  explicit opened(int fd) : fd_(fd) {}
  opened(const opened&) = delete;
  opened& operator=(const opened&) = delete;
  ~opened() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

/// The folder of notes, in which all is done by its descriptor: a path may become another's between
/// a look and a deed.
opened open_folder(const std::string& path) {
  return opened{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

/// Errors: ec::system_failed, ec::not_permitted, ec::too_big.
caf::expected<std::string> read_own_file(const opened& folder, const std::string& name) {
  // Without O_NONBLOCK opening a pipe waits for who writes to it.
  opened file{::openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0)
    return make_errno_error(ec::system_failed, name, errno);
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 022) != 0)
    return make_error(ec::not_permitted, name + ": is not ours alone");
  std::string text(note_bytes_max + 1, '\0');
  size_t size = 0;
  for (ssize_t n = 1; n != 0 && size < text.size();) {
    n = ::read(file.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno != EINTR)
      return make_errno_error(ec::system_failed, name, errno);
    size += static_cast<size_t>(std::max<ssize_t>(n, 0));
  }
  if (size > note_bytes_max)
    return make_error(ec::too_big, name + ": is too large for a note");
  text.resize(size);
  return text;
}

caf::expected<instance_note> read_note(const opened& folder, const std::string& file) {
  auto text = read_own_file(folder, file);
  auto j = text ? parse_json(*text) : caf::expected<json>{std::move(text.error())};
  if (!j)
    return std::move(j.error());
  if (!j->is_object())
    return make_error(ec::bad_json, file + ": is no note of an instance");
  auto word = [&](const char* key) {
    auto found = get_string_or(*j, key, "");
    return found ? *found : std::string{};
  };
  auto number = [&](const char* key) {
    auto found = get_int_or(*j, key, 0);
    return found ? *found : int64_t{0};
  };
  instance_note n;
  n.id = word("id");
  n.identity = word("identity");
  n.name = word("name");
  n.host = word("host");
  n.boot = word("boot");
  n.pid = static_cast<int32_t>(number("pid"));
  n.pid_start = static_cast<uint64_t>(number("pid_start"));
  n.uri = word("uri");
  n.tcp = word("tcp");
  n.token = word("token");
  n.size = static_cast<uint32_t>(number("size"));
  n.nnodes = static_cast<uint32_t>(number("nnodes"));
  auto started = get_double_or(*j, "started", 0);
  n.started = started ? *started : 0;
  n.command = word("command");
  n.version = word("version");
  n.within = word("within");
  if (file != n.id + suffix || !n.uri.starts_with("local:///"))
    return make_error(ec::bad_json, file + ": is no note of an instance");
  return n;
}

} // namespace

json to_json(const instance_note& n) {
  json j{{"id", n.id},           {"identity", n.identity}, {"host", n.host},
         {"boot", n.boot},       {"pid", n.pid},           {"pid_start", n.pid_start},
         {"uri", n.uri},         {"size", n.size},         {"nnodes", n.nnodes},
         {"started", n.started}, {"command", n.command},   {"version", n.version}};
  for (auto [key, value] :
       {std::pair{"name", &n.name}, {"tcp", &n.tcp}, {"token", &n.token}, {"within", &n.within}})
    if (!value->empty())
      j[key] = *value;
  return j;
}

std::string note_folder() {
  if (auto* said = std::getenv("HACTOR_INSTANCES"))
    return said;
  auto* home = std::getenv("HOME");
  return home == nullptr || *home != '/' ? "" : std::string{home} + "/.hactor/instances";
}

std::string note_id(int64_t identity) {
  // Mixed (as splitmix64 does), since instances of one day differ in few digits; without letters
  // that look like others.
  auto x = static_cast<uint64_t>(identity) + 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  x ^= x >> 31;
  std::string id = "i";
  for (int i = 0; i < 8; ++i, x >>= 5)
    id += "abcdefghijkmnpqrstuvwxyz23456789"[x & 31];
  return id;
}

void sign(instance_note& n) {
  n.host = own_host();
  n.boot = own_boot();
  n.pid = ::getpid();
  n.pid_start = start_of(n.pid);
}

caf::expected<std::string> write_note(const instance_note& n) {
  auto path = note_folder();
  if (auto e = make_folder(path))
    return e;
  auto folder = open_folder(path);
  if (folder.get() < 0)
    return make_errno_error(ec::system_failed, path, errno);
  auto name = n.id + suffix;
  path += "/" + name;
  auto passing = "." + n.id + "." + std::to_string(::getpid());
  ::unlinkat(folder.get(), passing.c_str(), 0); // of one before us that was killed
  int fd = ::openat(folder.get(), passing.c_str(),
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return make_errno_error(ec::system_failed, path, errno);
  auto text = dump_pretty(to_json(n)) + "\n";
  auto written = ::write(fd, text.data(), text.size());
  auto problem = written == static_cast<ssize_t>(text.size()) ? 0 : written < 0 ? errno : ENOSPC;
  if (::close(fd) != 0 && problem == 0)
    problem = errno; // network file systems write here
  if (problem == 0 && ::renameat(folder.get(), passing.c_str(), folder.get(), name.c_str()) != 0)
    problem = errno;
  if (problem == 0)
    return path;
  ::unlinkat(folder.get(), passing.c_str(), 0);
  return make_errno_error(ec::system_failed, path, problem);
}

void remove_note(const std::string& path, std::string_view uri) {
  auto slash = path.rfind('/');
  auto folder = open_folder(path.substr(0, slash));
  auto name = path.substr(slash + 1);
  if (auto n = read_note(folder, name); n && n->uri == uri)
    ::unlinkat(folder.get(), name.c_str(), 0);
}

void remove_note(const instance_note& n) {
  remove_note(note_folder() + "/" + n.id + suffix, n.uri);
}

std::vector<instance_note> read_notes() {
  std::vector<instance_note> all;
  auto folder = open_folder(note_folder());
  auto own = ::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0); // fdopendir takes it
  auto* entries = own < 0 ? nullptr : ::fdopendir(own);
  while (auto* entry = entries == nullptr ? nullptr : ::readdir(entries))
    if (std::string name = entry->d_name; name.ends_with(suffix) && name[0] != '.')
      if (auto n = read_note(folder, name))
        all.push_back(std::move(*n));
  if (entries != nullptr)
    ::closedir(entries);
  std::sort(all.begin(), all.end(),
            [](auto& a, auto& b) { return std::tie(a.started, a.id) < std::tie(b.started, b.id); });
  return all;
}

caf::expected<instance_note> find_note(std::string_view what) {
  std::vector<instance_note> meant;
  for (auto& n : read_notes()) {
    if (n.id == what)
      return n;
    if (!what.empty() && (n.name == what || n.id.starts_with(what)))
      meant.push_back(n);
  }
  if (std::any_of(meant.begin(), meant.end(), [&](auto& n) { return n.name == what; }))
    std::erase_if(meant, [&](auto& n) { return n.name != what; });
  if (std::any_of(meant.begin(), meant.end(), [](auto& n) { return !is_gone(n); }))
    std::erase_if(meant, [](auto& n) { return is_gone(n); });
  if (meant.size() == 1)
    return meant.front();
  auto text = std::string{what};
  if (meant.empty())
    return make_error(
        ec::no_instance,
        "no instance '" + text + "' is known in "
            + (note_folder().empty() ? "HACTOR_INSTANCES, which is empty" : note_folder())
            + ": 'hactor ps' lists those that are; a URI is local://, tcp:// or "
              "ssh://");
  std::string ids;
  for (auto& n : meant)
    ids += (ids.empty() ? "" : ", ") + n.id;
  return make_error(ec::bad_argument, "'" + text + "' may be any of the instances " + ids);
}

caf::expected<instance_note> find_note_of(std::string_view tcp) {
  for (auto& n : read_notes())
    if (n.tcp == tcp)
      return n;
  return make_error(ec::no_instance);
}

bool is_here(const instance_note& n) { return n.host == own_host() && n.boot == own_boot(); }

bool is_gone(const instance_note& n) {
  if (n.host != own_host())
    return false;
  return n.boot != own_boot() || n.pid_start == 0 || start_of(n.pid) != n.pid_start;
}

std::string ssh_way_to(const instance_note& n) {
  return "ssh://" + n.host + n.uri.substr(std::string_view{"local://"}.size());
}

std::string way_to(const instance_note& n) {
  if (is_here(n))
    return n.uri;
  return n.tcp.empty() ? ssh_way_to(n) : "tcp://" + n.tcp;
}

} // namespace hactor::workflow
