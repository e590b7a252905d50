// See address.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/address.hpp"

#include <algorithm>
#include <charconv>

#include <sys/stat.h>

#include "runtime/ids.hpp"

namespace hactor::workflow {

namespace {

constexpr std::string_view local_scheme = "local://";
constexpr std::string_view tcp_scheme = "tcp://";
constexpr std::string_view ssh_scheme = "ssh://";

caf::error wrong(std::string_view text, std::string_view why) {
  return make_error(ec::bad_argument,
                    "HACTOR_URI is '" + std::string{text} + "', " + std::string{why});
}

bool is_socket(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

/// The ids stand behind the path of the socket, local:///PATH/A/B.
instance_address split_local(std::string_view path) {
  instance_address whole;
  whole.socket = path;
  auto a = whole;
  while (!is_socket(a.socket)) {
    auto slash = a.socket.rfind('/');
    if (slash == std::string::npos || !parse_job_id(a.socket.substr(slash + 1)))
      return whole;
    a.inside = a.socket.substr(slash + 1) + (a.inside.empty() ? "" : "/" + a.inside);
    a.socket.resize(slash);
  }
  return a;
}

/// What stands before the first slash, and what behind it.
std::pair<std::string_view, std::string_view> split_at_slash(std::string_view text) {
  auto slash = std::min(text.find('/'), text.size());
  return {text.substr(0, slash), text.substr(std::min(slash + 1, text.size()))};
}

caf::expected<instance_address> read_tcp(std::string_view text) {
  auto [host, inside] = split_at_slash(text.substr(tcp_scheme.size()));
  auto where = parse_endpoint(host);
  if (!where)
    return wrong(text, "but " + render(where.error()));
  instance_address a;
  a.by = instance_address::way::tcp;
  a.where = std::move(*where);
  a.inside = inside;
  return a;
}

caf::expected<instance_address> read_ssh(std::string_view text) {
  auto [login, path] = split_at_slash(text.substr(ssh_scheme.size()));
  instance_address a;
  a.by = instance_address::way::ssh;
  a.socket = "/" + std::string{path};
  auto colon = login.rfind(':');
  if (colon != login.npos && login.find(']', colon) == login.npos) {
    auto digits = login.substr(colon + 1);
    auto [rest, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), a.port);
    if (failed != std::errc{} || rest != digits.data() + digits.size() || a.port == 0)
      return wrong(text, "but its port must be a number from 1 to 65535");
    login = login.substr(0, colon);
  }
  auto host = login.substr(login.rfind('@') + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') // ssh has no brackets
    a.login = std::string{login.substr(0, login.size() - host.size())}
              + std::string{host.substr(1, host.size() - 2)};
  else
    a.login = login;
  // A host that begins with '-' would be an option of ssh.
  if (host.empty() || a.login.front() == '-' || path.empty()
      || a.login.find_first_of(" \t\n'\"") != a.login.npos)
    return wrong(text, "but must be ssh://[USER@]HOST[:PORT]/PATH-OF-A-SOCKET");
  return a;
}

} // namespace

caf::expected<instance_address> parse_address(std::string_view text) {
  if (text.starts_with(local_scheme))
    return split_local(text.substr(local_scheme.size()));
  if (text.starts_with(tcp_scheme))
    return read_tcp(text);
  if (text.starts_with(ssh_scheme))
    return read_ssh(text);
  if (text.find("://") != text.npos || text.starts_with('/') || text.empty())
    return wrong(text, "but must be local:///PATH-OF-A-SOCKET, tcp://HOST:PORT or "
                       "ssh://HOST/PATH-OF-A-SOCKET, any of them and /JOBID of a nested "
                       "instance, or an id that 'hactor ps' shows");
  auto [name, inside] = split_at_slash(text);
  instance_address a;
  a.by = instance_address::way::note;
  a.note = name;
  a.inside = inside;
  return a;
}

} // namespace hactor::workflow
