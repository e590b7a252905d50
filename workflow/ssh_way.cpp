// See ssh_way.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/ssh_way.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/clock.hpp"

namespace hactor::workflow {

namespace {

/// ssh may ask for a password meanwhile.
constexpr int64_t patience_ns = 120'000'000'000;

/// What login scripts may print before the relay speaks.
constexpr size_t prelude_bytes_max = 64 << 10;

std::string variable(const char* name, std::string otherwise) {
  auto* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

/// hactor on the other machine: where it is here, when this is hactor itself.
std::string remote_program() {
  std::array<char, PATH_MAX> own{};
  auto size = ::readlink("/proc/self/exe", own.data(), own.size() - 1);
  std::string path{own.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))};
  return variable("HACTOR_SSH_RCMD", path.ends_with("/hactor") ? path : "hactor");
}

/// For the shell at the other end.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text)
    out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

/// Becomes ssh, between fork and exec: nothing here may allocate. Never returns.
[[noreturn]] void become_ssh(char* const* argv, int end, int failure) {
  // Ctrl-C and Ctrl-Z are for who runs the command, and ssh is in its process group, for it may
  // have to ask for a password.
  for (int signo : {SIGINT, SIGQUIT, SIGTSTP})
    ::signal(signo, SIG_IGN);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(end, 0) >= 0 && ::dup2(end, 1) >= 0)
    ::execvp(argv[0], argv);
  int why = errno;
  (void)!::write(failure, &why, sizeof why);
  ::_exit(127);
}

/// Runs the words with `end` as their standard input and output. Errors: ec::exec_failed.
caf::error start(std::vector<std::string> words, int end) {
  std::vector<char*> argv;
  for (auto& w : words)
    argv.push_back(w.data());
  argv.push_back(nullptr);
  int told[2];
  if (::pipe2(told, O_CLOEXEC) != 0)
    return make_errno_error(ec::system_failed, "pipe", errno);
  auto child = ::fork();
  if (child == 0) {
    if (::fork() == 0)
      become_ssh(argv.data(), end, told[1]);
    ::_exit(0); // whose child ssh was: now it is nobody's that we know
  }
  auto problem = child < 0 ? errno : 0;
  ::close(told[1]);
  while (child > 0 && ::waitpid(child, nullptr, 0) < 0 && errno == EINTR)
    continue;
  int why = 0;
  if (problem == 0 && ::read(told[0], &why, sizeof why) == sizeof why)
    problem = why;
  ::close(told[0]);
  return problem == 0 ? caf::error{} : make_errno_error(ec::exec_failed, words.front(), problem);
}

/// Reads to the end of the relay's greeting. Errors: ec::no_instance, ec::timed_out.
caf::error wait_for_relay(int fd, const std::string& shown) {
  auto until = steady_ns() + patience_ns;
  std::string line;
  for (size_t seen = 0; seen < prelude_bytes_max;) {
    pollfd p{fd, POLLIN, 0};
    auto left_ms = (until - steady_ns()) / 1'000'000;
    if (left_ms <= 0 || ::poll(&p, 1, static_cast<int>(left_ms)) == 0)
      return make_error(ec::timed_out, shown + ": no answer within "
                                           + std::to_string(patience_ns / 1'000'000'000) + " s");
    char c = 0; // one at a time: what follows the greeting is not ours
    auto got = ::recv(fd, &c, 1, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    ++seen;
    line += c;
    if (line == relay_greeting)
      return {};
    if (c == '\n')
      line.clear();
  }
  return make_error(ec::no_instance, "no instance answers: '" + shown
                                         + "' ended without one; does that command work, and is "
                                           "hactor there (HACTOR_SSH_RCMD says where)?");
}

} // namespace

std::vector<std::string> ssh_words(const instance_address& a) {
  std::vector<std::string> words;
  auto text = variable("HACTOR_SSH", "ssh");
  for (size_t at = 0; at < text.size();) {
    auto end = std::min(text.find(' ', at), text.size());
    if (end > at)
      words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (words.empty())
    words.emplace_back("ssh");
  if (a.port != 0) {
    words.emplace_back("-p");
    words.push_back(std::to_string(a.port));
  }
  for (auto& word : {a.login, remote_program(), std::string{"relay"}, shell_quoted(a.socket)})
    words.push_back(word);
  return words;
}

caf::expected<int> connect_by_ssh(const instance_address& a) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return make_errno_error(ec::system_failed, "socketpair", errno);
  auto words = ssh_words(a);
  std::string shown;
  for (auto& w : words)
    shown += (shown.empty() ? "" : " ") + w;
  auto failed = start(std::move(words), ends[1]);
  ::close(ends[1]);
  if (!failed)
    failed = wait_for_relay(ends[0], shown);
  if (!failed)
    return ends[0];
  ::close(ends[0]);
  return failed;
}

} // namespace hactor::workflow
