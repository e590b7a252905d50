// hactor-pmix: a broker's PMIx server, by which the tasks of an Open MPI program find each other. A
// broker starts it when the first task asks (actors/pmix_host.hpp); it lives as long as its broker.
// Usage: hactor-pmix FOLDER HOST, with the broker at descriptor 3 and the tasks' door at 4.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "actors/framed_words.hpp"
#include "actors/pmi_core.hpp"
#include "mpi-boot/pmix_front.hpp"
#include "mpi-boot/pmix_library.hpp"

namespace hactor {

namespace {

constexpr int broker_fd = pmi_fd;

/// To the broker, from any thread. It always reads, so this waits for no other thread of ours.
void say(const pmix_word& word) {
  static std::mutex mutex;
  std::lock_guard guard{mutex};
  auto frame = frame_of(word);
  for (size_t sent = 0; sent < frame.size();) {
    auto n = ::send(broker_fd, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR)
      ::_exit(0); // the broker is gone
    sent += n > 0 ? static_cast<size_t>(n) : 0;
  }
}

/// The broker ends, and with it we; the library removes what tasks have left in shared memory.
[[noreturn]] void leave() {
  stop_pmix();
  ::_exit(0);
}

/// A job of which a task asks, or none.
void on_job(const pmix_word& word, pmix_front& front) {
  auto job = unpack<pmix_job>(word.bytes);
  if (word.bytes.empty() || !job)
    return front.turn_away(word.space);
  if (auto err = add_pmix_job(*job)) {
    fmt::print(stderr, "{}: {}\n", word.space, render(err));
    return front.turn_away(word.space);
  }
  front.let_in(word.space);
}

void on_broker(framed_reader<pmix_word>& reader, pmix_front& front) {
  char bytes[64 << 10];
  auto n = ::recv(broker_fd, bytes, sizeof bytes, 0);
  if (n < 0 && errno == EINTR)
    return;
  if (n <= 0)
    leave();
  reader.add({bytes, static_cast<size_t>(n)});
  while (auto word = reader.next()) {
    if (word->kind == pmix_kind::job)
      on_job(*word, front);
    else
      tell_pmix(*word);
    if (word->kind == pmix_kind::forget)
      front.turn_away(word->space);
  }
  if (reader.broken())
    ::_exit(1);
}

} // namespace

} // namespace hactor

int main(int argc, char** argv) {
  using namespace hactor;
  if (argc != 3) {
    fmt::print(stderr, "hactor-pmix is started by a broker of hactor, for its MPI jobs\n");
    return 2;
  }
  // Whoever ends all processes of a broker ends the broker too, of which we hear.
  for (auto signo : {SIGTERM, SIGALRM})
    std::signal(signo, SIG_IGN);
  std::setvbuf(stderr, nullptr, _IOLBF, 0); // whole lines into the broker's log

  // The library; then the door, at which tasks wait already.
  auto port = start_pmix(argv[1], argv[2], say);
  if (!port) {
    fmt::print(stderr, "{}\n", render(port.error()));
    return 1;
  }
  pmix_front front{pmix_door_fd, *port, [](const std::string& space) {
                     say({pmix_kind::lookup, space, 0, 0, 0, {}});
                   }};
  std::thread{[&] { front.run(); }}.detach();
  framed_reader<pmix_word> reader;
  for (;;)
    on_broker(reader, front);
}
