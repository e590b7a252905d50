// hactor pmi: a task that meets the others of its job as MPI programs do, to see whether and how
// fast that works. Verbs and options are those of flux-pmi(1).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fmt/format.h>

#include "runtime/clock.hpp"
#include "runtime/idset.hpp"
#include "tools/commands.hpp"
#include "tools/pmi_client.hpp"
#include "tools/say.hpp"

namespace hactor::tools {

namespace {

constexpr uint64_t count_max = 1'000'000;

#define HACTOR_PMI_ROWS                                                                            \
  {'v', "verbose", nullptr,                                                                        \
   "Prints rank, size and name of the job to PMI; twice: and all that is said.", nullptr},         \
  {                                                                                                \
    0, "method", "NAME",                                                                           \
        "simple (PMI-1 over PMI_FD), pmix, or single (one task, which meets nobody). Default: "    \
        "what "                                                                                    \
        "this task is offered, in this order."                                                     \
  }

constexpr option_spec repeated_options[] = {
    HACTOR_PMI_ROWS,
    {0, "count", "N", "Does it N times. Default: 1."},
};

constexpr option_spec get_options[] = {
    HACTOR_PMI_ROWS,
    {0, "ranks", "IDSET", "Prints what these ranks get; all: of all. Default: 0."},
};

/// Meets the others, does `body`, and takes leave. Errors: the client's and those of `body`.
caf::error as_task(const invocation& call, const std::function<caf::error(pmi_client&)>& body) {
  auto client = make_pmi_client(call.options.value("method"));
  if (!client)
    return std::move(client.error());
  auto& c = **client;
  if (call.options.count("verbose") > 1)
    c.trace = [&](const std::string& line) { complain(call, line); };
  if (auto e = c.begin())
    return e;
  if (call.options.has("verbose"))
    complain(call, fmt::format("rank {} of {}, {}", c.rank, c.size, c.space));
  if (auto e = body(c))
    return make_error(code_of(e), fmt::format("rank {} of {}: {}", c.rank, c.size, render(e)));
  return c.end();
}

/// Runs `step` after a barrier as often as --count says, and prints the time at rank 0.
int repeat(const invocation& call, const char* what,
           const std::function<caf::error(pmi_client&, uint64_t)>& step) {
  auto count = call.options.number("count", 1, 1, count_max);
  if (!count)
    return fail_usage(call, count.error());
  auto failed = as_task(call, [&](pmi_client& c) -> caf::error {
    if (auto e = c.barrier())
      return e;
    for (uint64_t i = 0; i < *count; ++i) {
      auto begun_ns = steady_ns();
      if (auto e = step(c, i))
        return e;
      if (c.rank == 0)
        print_line(fmt::format("{}: completed pmi {} on {} tasks in {:.3f}s.", c.space, what,
                               c.size, static_cast<double>(steady_ns() - begun_ns) / 1e9));
    }
    return {};
  });
  return failed ? fail(call, failed) : exit_ok;
}

int run_barrier(const invocation& call) {
  return repeat(call, "barrier", [](pmi_client& c, uint64_t) { return c.barrier(); });
}

caf::error exchange(pmi_client& c, uint64_t round) {
  auto key_of = [&](uint32_t rank) { return fmt::format("hactor.pmi.{}.{}", round, rank); };
  // Without blanks, at which some process managers end a value.
  auto value_of = [&](uint32_t rank) { return fmt::format("round-{}-of-rank-{}", round, rank); };
  if (auto e = c.put(key_of(c.rank), value_of(c.rank)))
    return e;
  if (auto e = c.barrier())
    return e;
  for (uint32_t rank = 0; rank < c.size; ++rank) {
    auto found = c.get(key_of(rank), rank);
    if (!found)
      return std::move(found.error());
    if (*found != value_of(rank))
      return make_error(ec::system_failed, fmt::format("{}: expected '{}', found '{}'",
                                                       key_of(rank), value_of(rank), *found));
  }
  return c.barrier();
}

int run_exchange(const invocation& call) { return repeat(call, "exchange", exchange); }

int run_get(const invocation& call) {
  auto text = call.options.value("ranks", "0");
  auto ranks = text == "all" ? caf::expected<idset>{idset{}} : idset::parse(text);
  if (!ranks)
    return fail_usage(call, ranks.error());
  auto failed = as_task(call, [&](pmi_client& c) -> caf::error {
    for (auto& key : call.options.operands) {
      auto value = c.get(key, whole_job);
      if (!value)
        return std::move(value.error());
      if (text == "all" || ranks->contains(c.rank))
        print_line(*value);
    }
    return {};
  });
  return failed ? fail(call, failed) : exit_ok;
}

int run_pmi(const invocation& call) {
  complain(call, "needs a verb: barrier, exchange or get");
  return exit_usage;
}

} // namespace

const command pmi_command{
    "pmi",
    group_jobs,
    "tests how tasks of a job meet as MPI programs do",
    "VERB",
    "Runs as a task: hactor run -n 4 hactor pmi barrier. It speaks PMI-1, as programs of MPICH, or "
    "PMIx, as those of Open MPI, and also with other launchers (mpiexec hactor pmi barrier).",
    {},
    usual_exits,
    " hactor run -n 4 hactor pmi exchange",
    false,
    0,
    any_number,
    run_pmi};

const command pmi_barrier_command{"pmi barrier",
                                  group_jobs,
                                  "measures a barrier",
                                  "[OPTIONS]",
                                  "All tasks wait for each other, and then once more; the time of "
                                  "the second is printed at rank 0.",
                                  repeated_options,
                                  usual_exits,
                                  " hactor run -n 4 hactor pmi barrier --count=10",
                                  false,
                                  0,
                                  0,
                                  run_barrier};

const command pmi_exchange_command{
    "pmi exchange",
    group_jobs,
    "measures an exchange of values",
    "[OPTIONS]",
    "Each task puts a value, all wait for each other, each gets the values of all and looks "
    "whether "
    "they are right, and all wait once more; the time is printed at rank 0.",
    repeated_options,
    usual_exits,
    " hactor run -n 4 hactor pmi exchange --method=pmix",
    false,
    0,
    0,
    run_exchange};

const command pmi_get_command{
    "pmi get",
    group_jobs,
    "prints values that the process manager has put",
    "[OPTIONS] KEY...",
    "Of PMI-1 that is PMI_process_mapping; of PMIx the names of its standard, as pmix.job.size.",
    get_options,
    usual_exits,
    " hactor run -n 4 hactor pmi get PMI_process_mapping",
    false,
    1,
    any_number,
    run_get};

} // namespace hactor::tools
