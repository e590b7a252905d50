// See mpir.hpp. The names, the types and the numbers are the interface's, and this file is compiled
// with debug information, from which debuggers take the layout of the table.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/mpir.hpp"

extern "C" {

struct MPIR_PROCDESC {
  char* host_name;
  char* executable_name;
  int pid;
};

MPIR_PROCDESC* MPIR_proctable = nullptr;
int MPIR_proctable_size = 0;
char* MPIR_debug_abort_string = nullptr;
volatile int MPIR_debug_state = 0; // 0: nothing yet, 1: the table is filled, 2: the job has failed
volatile int MPIR_being_debugged = 0; // written by the debugger
// These tell by being there: this process is no task, not all tasks need be attached to, and those
// of a job that is debugged from its start have not reached main.
int MPIR_i_am_starter = 1;
int MPIR_partial_attach_ok = 1;
int MPIR_acquired_pre_main = 1;

/// Where debuggers set their breakpoint: it must stay a function that is called.
__attribute__((noinline)) void MPIR_Breakpoint() { asm volatile("" ::: "memory"); }
}

namespace hactor::tools {

namespace {

constexpr int state_spawned = 1;
constexpr int state_aborting = 2;

/// What the table points into.
struct shown {
  std::vector<task_process> tasks;
  std::vector<MPIR_PROCDESC> table;
  std::string abort;
};

shown& what_is_shown() {
  static shown s;
  return s;
}

} // namespace

bool is_debugged() { return MPIR_being_debugged != 0; }

void show_processes(std::vector<task_process> tasks) {
  auto& s = what_is_shown();
  s.tasks = std::move(tasks);
  s.table.clear();
  for (auto& t : s.tasks)
    s.table.push_back({t.host.data(), t.program.data(), static_cast<int>(t.pid)});
  MPIR_proctable = s.table.data();
  MPIR_proctable_size = static_cast<int>(s.table.size());
  MPIR_debug_state = state_spawned;
  MPIR_Breakpoint();
}

void show_abort(std::string reason) {
  auto& s = what_is_shown();
  s.abort = std::move(reason);
  MPIR_debug_abort_string = s.abort.data();
  MPIR_debug_state = state_aborting;
  MPIR_Breakpoint();
}

} // namespace hactor::tools
