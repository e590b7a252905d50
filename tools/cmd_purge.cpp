// hactor purge: forgets ended jobs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "tools/commands.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec purge_options[] = {
    {0, "all", nullptr, "All jobs that have ended."},
    {0, "age-limit", "DURATION", "Jobs that ended longer ago than this: 90s, 12h, 30d."},
    {0, "num-limit", "N", "All but the N jobs that ended last."},
    {'q', "quiet", nullptr, "Does not say how many jobs were forgotten."},
    {'f', "force", nullptr, "Accepted for scripts of flux-job: nothing asks again here."},
};

int run_purge(const invocation& call) {
  auto& o = call.options;
  auto ids = read_ids(o.operands);
  if (!ids)
    return fail_usage(call, ids.error());
  json params = json::object();
  auto limited = o.has("age-limit") || o.has("num-limit");
  if ((ids->empty() ? 0 : 1) + o.has("all") + limited != 1)
    return fail_usage(call, make_error(ec::bad_argument, "name the jobs by their ids, by "
                                                         "--age-limit or --num-limit, or --all"));
  if (!ids->empty())
    params["ids"] = *ids;
  if (o.has("all"))
    params["keep"] = 0;
  if (o.has("age-limit")) {
    auto age = duration_option(o, "age-limit", 0);
    if (!age)
      return fail_usage(call, age.error());
    if (std::isfinite(*age))
      params["age"] = *age;
  }
  if (o.has("num-limit")) {
    auto keep = o.number("num-limit", 0, 0, uint64_t{1} << 62);
    if (!keep)
      return fail_usage(call, keep.error());
    params["keep"] = *keep;
  }
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("purge", params, 0);
    if (!reply)
      return std::move(reply.error());
    auto count = static_cast<uint64_t>(number_at(*reply, "count"));
    if (std::set<std::string> asked{ids->begin(), ids->end()}; count < asked.size())
      return make_error(ec::unknown_job, fmt::format("of {} jobs {} were forgotten: there are no "
                                                     "others of these ids",
                                                     asked.size(), count));
    if (!o.has("quiet"))
      complain(call, std::to_string(count) + " jobs were forgotten");
    return exit_ok;
  });
}

} // namespace

const command purge_command{
    "purge",
    group_jobs,
    "forgets jobs that have ended",
    "[OPTIONS] [ID...]",
    "Removes what the instance keeps of jobs that have ended: they are not listed any more, "
    "nothing can depend on them, and what they kept by 'hactor kvs' is gone. The attributes "
    "retention.age and retention.count say what it forgets by itself. Active jobs are refused.",
    purge_options,
    usual_exits,
    " hactor purge --age-limit=30d --num-limit=100000",
    false,
    0,
    any_number,
    run_purge};

} // namespace hactor::tools
