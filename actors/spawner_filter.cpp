// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/spawner_filter.hpp"

#include <cerrno>
#include <csignal>

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/owned_fd.hpp"

extern char** environ;

namespace hactor {

namespace {

/// Moves text both ways until the program closes its end.
void exchange(int fd, std::string_view input, std::string& output) {
  if (input.empty())
    ::shutdown(fd, SHUT_WR);
  for (;;) {
    pollfd p{fd, static_cast<short>(input.empty() ? POLLIN : POLLIN | POLLOUT), 0};
    if (::poll(&p, 1, -1) < 0 && errno != EINTR)
      return;
    if ((p.revents & POLLOUT) != 0) {
      auto n = ::send(fd, input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n >= 0)
        input.remove_prefix(static_cast<size_t>(n));
      else if (errno != EAGAIN && errno != EINTR)
        input = {}; // it does not want to read
      if (input.empty())
        ::shutdown(fd, SHUT_WR);
    }
    if ((p.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
      continue;
    char bytes[16 << 10];
    auto n = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
      output.append(bytes, static_cast<size_t>(n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
      return;
  }
}

} // namespace

caf::expected<filtered> run_filter(const std::vector<std::string>& argv, std::string_view input) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return make_errno_error(ec::exec_failed, argv.front(), errno);
  owned_fd ours{ends[0]}, theirs{ends[1]};
  std::vector<char*> words;
  for (auto& word : argv)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, theirs.get(), 0);
  posix_spawn_file_actions_adddup2(&files, theirs.get(), 1);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none, pipe;
  sigemptyset(&none);
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE); // which programs of ours ignore
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &pipe);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  auto code = ::posix_spawn(&pid, argv.front().c_str(), &files, &how, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  if (code != 0)
    return make_errno_error(ec::exec_failed, argv.front(), code);
  theirs.reset();
  filtered result;
  exchange(ours.get(), input, result.output);
  while (::waitpid(pid, &result.wait_status, 0) < 0 && errno == EINTR) {
  }
  return result;
}

} // namespace hactor
