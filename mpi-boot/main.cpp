// hactor-start: the launcher's child on each rank. It reads its command line, finds out which
// launcher started it, and stays as the guard of a child, which forks the broker and is its
// supervisor and spawner.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <csignal>
#include <cstdio>

#include <fmt/format.h>

#include "actors/spawner.hpp"
#include "actors/spawner_guard.hpp"
#include "mpi-boot/broker_main.hpp"
#include "mpi-boot/folders.hpp"
#include "mpi-boot/options.hpp"
#include "mpi-boot/pmi_farewell.hpp"
#include "runtime/duration.hpp"
#include "runtime/standard_streams.hpp"

int main(int argc, char** argv) {
  using namespace hactor;
  open_standard_streams();

  // What was asked.
  auto options = parse_start_options(argc, argv);
  if (!options) {
    fmt::print(stderr, "hactor-start: {}\nTry 'hactor-start --help'.\n", render(options.error()));
    return 2;
  }
  if (options->help) {
    fmt::print("{}", start_help());
    return 0;
  }
  if (options->version) {
    fmt::print("hactor {}\n", HACTOR_VERSION);
    return 0;
  }

  // Which launcher, and whether hactor has the module for its MPI; or which hosts.
  auto way = find_way(*options);
  if (!way) {
    fmt::print(stderr, "hactor-start: {}\n", render(way.error()));
    return 1;
  }

  // The broker's parent has one thread and no MPI, outlives it, and ends what it leaves behind; and
  // so does this process, its parent, when that one is killed.
  supervisor_options supervision;
  supervision.term_grace_ms =
      span_of(options->attributes.duration_s("exec.kill_timeout")).count() / 1'000'000;
  supervision.exit_zero_on_kill = way->how.size > 1; // or the launcher would end the others
  sweep_run_folders();
  auto run = make_run_folder(options->attributes.text("rundir"), way->rank());
  auto supervise = [&](int guard_fd) {
    supervision.guard_fd = guard_fd;
    auto code = run_supervisor(supervision,
                               [&](int fd) { return broker_main(*options, *way, run, fd); });
    if (run)
      remove_run_folder(*run);
    return code;
  };
  auto end = run_guarded({.exit_zero_on_kill = supervision.exit_zero_on_kill}, supervise);
  if (run)
    remove_run_folder(*run); // a killed supervisor has left it
  if (end.early && supervision.exit_zero_on_kill) {
    // The others wait for this rank in MPI_Init or right behind it. Launchers end all, whatever
    // their flags, when they see a process die of a signal.
    if (end.code == 128 + SIGKILL) // else somebody asked
      fmt::print(stderr, "hactor-start: rank {} was lost during the start: nobody starts\n",
                 way->rank().value_or(0));
    std::fflush(nullptr);
    ::raise(SIGKILL);
  }
  if (way->how.module == "mpich")
    say_pmi_finalize();
  return end.code;
}
