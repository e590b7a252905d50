// hactor-plugins: the plugins of one job on one node, in a process of their own, so that their
// faults are not the broker's. The job's shell starts it (actors/shell_plugins.hpp) and says in
// words when what happens. Usage: hactor-plugins, with the shell at descriptor 3.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cerrno>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "actors/framed_words.hpp"
#include "actors/pmi_core.hpp"
#include "plugins/life.hpp"

namespace hactor::plugins {

namespace {

constexpr int shell_fd = pmi_fd;

/// To the shell, which always reads.
void say(const plugin_word& word) {
  auto frame = frame_of(word);
  for (size_t sent = 0; sent < frame.size();) {
    auto n = ::send(shell_fd, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR)
      ::_exit(0); // the broker is gone
    sent += n > 0 ? static_cast<size_t>(n) : 0;
  }
}

int serve() {
  life own{say};
  framed_reader<plugin_word> reader;
  char bytes[64 << 10];
  while (!own.is_over()) {
    auto n = ::recv(shell_fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return 0; // the broker ends, and with it we
    reader.add({bytes, static_cast<size_t>(n)});
    while (auto word = reader.next())
      own.on_word(*word);
    if (reader.broken())
      return 1;
  }
  // Not all streams: one in which a thread of a plugin reads is locked until something comes.
  std::fflush(stdout);
  std::fflush(stderr);
  return 0;
}

} // namespace

} // namespace hactor::plugins

int main() {
  using namespace hactor;
  if (::fcntl(pmi_fd, F_SETFD, FD_CLOEXEC) != 0) { // what plugins start is not to hold it
    fmt::print(stderr, "hactor-plugins is started by a broker of hactor, for jobs with plugins\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0); // whole lines into the job's standard error
  std::setvbuf(stderr, nullptr, _IOLBF, 0);
  // Without destructors: plugins may have threads that still use what would go.
  ::_exit(plugins::serve());
}
