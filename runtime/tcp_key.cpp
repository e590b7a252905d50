// See tcp_key.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tcp_key.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

namespace hactor {

namespace {

static_assert(tcp_key_size == crypto_auth_KEYBYTES);
static_assert(sizeof(tcp_proof) == crypto_auth_BYTES);

struct closing_fd {
  int fd = -1;
  explicit closing_fd(int x) : fd(x) {}
  closing_fd(const closing_fd&) = delete;
  closing_fd& operator=(const closing_fd&) = delete;
  ~closing_fd() {
    if (fd >= 0)
      ::close(fd);
  }
};

void start_sodium() {
  // It fails when the kernel gives no random numbers: no key would be worth anything then.
  static const int started = sodium_init();
  HACTOR_CHECK(started >= 0);
}

caf::error check_owner(const std::string& path, const struct stat& is) {
  if (!S_ISREG(is.st_mode))
    return make_error(ec::bad_argument, path + ": is no regular file, and cannot be a key");
  if (is.st_uid != ::geteuid())
    return make_error(ec::not_permitted,
                      fmt::format("{}: belongs to user {}, a key must belong to user {}, who runs "
                                  "this", path, is.st_uid, ::geteuid()));
  if ((is.st_mode & 077) != 0)
    return make_error(ec::not_permitted,
                      fmt::format("{}: others may use it (mode {:04o}); a key must be 0600: chmod "
                                  "600 {}", path, is.st_mode & 07777, path));
  return caf::none;
}

/// Writes a whole new key under a passing name, and gives it its name only if that is free.
caf::error make_key(const std::string& path) {
  std::error_code failed;
  auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) {
    auto before = ::umask(077);
    std::filesystem::create_directories(folder, failed);
    ::umask(before);
    if (failed)
      return make_errno_error(ec::system_failed, folder.string(), failed.value());
  }
  auto passing = path + ".XXXXXX";
  closing_fd file{::mkostemp(passing.data(), O_CLOEXEC)}; // mode 0600
  if (file.fd < 0)
    return make_errno_error(ec::system_failed, path, errno);
  tcp_key key;
  randombytes_buf(key.data(), key.size());
  auto written = ::write(file.fd, key.data(), key.size());
  sodium_memzero(key.data(), key.size());
  int problem = written == static_cast<ssize_t>(key.size()) && ::fsync(file.fd) == 0 ? 0 : errno;
  if (problem == 0 && ::link(passing.c_str(), path.c_str()) != 0 && errno != EEXIST)
    problem = errno;
  ::unlink(passing.c_str());
  if (problem != 0)
    return make_errno_error(ec::system_failed, path, problem);
  return caf::none;
}

} // namespace

std::string default_key_path() {
  auto* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    return {};
  return std::string{home} + "/.config/hactor/key";
}

caf::expected<tcp_key> load_key(const std::string& path) {
  start_sodium();
  closing_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.fd < 0)
    return make_errno_error(errno == ENOENT ? ec::unknown_key : ec::system_failed, path, errno);
  struct stat is {};
  if (::fstat(file.fd, &is) != 0)
    return make_errno_error(ec::system_failed, path, errno);
  if (auto wrong = check_owner(path, is))
    return wrong;
  tcp_key key;
  if (is.st_size != static_cast<off_t>(key.size())
      || ::read(file.fd, key.data(), key.size()) != static_cast<ssize_t>(key.size()))
    return make_error(ec::bad_argument, fmt::format("{}: has {} bytes, a key has {}", path,
                                                    is.st_size, key.size()));
  return key;
}

caf::expected<tcp_key> load_or_make_key(const std::string& path) {
  start_sodium();
  auto found = load_key(path);
  if (found || code_of(found.error()) != ec::unknown_key)
    return found;
  if (auto failed = make_key(path))
    return failed;
  return load_key(path);
}

tcp_nonce make_nonce() {
  start_sodium();
  tcp_nonce result;
  randombytes_buf(result.data(), result.size());
  return result;
}

tcp_proof prove(const tcp_key& key, std::string_view role, const tcp_nonce& first,
                const tcp_nonce& second, std::string_view text) {
  start_sodium();
  std::string all{role};
  all.push_back('\0'); // no role begins another
  all.append(reinterpret_cast<const char*>(first.data()), first.size());
  all.append(reinterpret_cast<const char*>(second.data()), second.size());
  all.append(text);
  tcp_proof result;
  crypto_auth(result.data(), reinterpret_cast<const uint8_t*>(all.data()), all.size(),
              key.data());
  return result;
}

bool same_proof(const tcp_proof& a, const tcp_proof& b) {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace hactor
