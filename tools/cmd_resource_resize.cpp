// hactor resource grow, shrink: more nodes for an instance that lives within another, or fewer.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdlib>

#include "runtime/idset.hpp"
#include "tools/commands.hpp"
#include "tools/nested.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec grow_options[] = {
    {'N', "nodes", "N", "So many more. Default: 1."},
    {0, "wait", nullptr, "Waits until there is room, as a job would, until it is interrupted."},
};

constexpr option_spec shrink_options[] = {
    {'N', "nodes", "N", "So many fewer: idle ones first, then those with the greatest ranks."},
    {0, "wait", nullptr, "Waits until the jobs that run there have ended; none is started there."},
    {0, "force", nullptr, "Cancels the jobs that run there, and what programs have claimed."},
};

bool is_ranks(const std::string& word) {
  return word.find_first_not_of("0123456789-,[]") == word.npos;
}

/// Asks the instance around for it, in which the job has its nodes. Without an id: the one that
/// HACTOR_URI names is meant.
int resize(const invocation& call, const char* method, std::string id, json params) {
  if (id.empty()) {
    auto own = workflow::own_uri();
    if (!own)
      return fail(call, own.error());
    auto around = uri_around(*own);
    if (!around)
      return fail(call, make_error(ec::wrong_state,
                                   "this instance has no other around it that could give it nodes "
                                   "or take some back; name the job that holds the one you mean"));
    ::setenv("HACTOR_URI", around->first.c_str(), 1);
    id = around->second;
  }
  params["id"] = id;
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask(method, params, 0);
    if (!reply)
      return std::move(reply.error());
    print_line("ranks " + text_at(*reply, "ranks"));
    return exit_ok;
  });
}

int run_grow(const invocation& call) {
  auto& o = call.options;
  auto nodes = o.number("nodes", 1, 1, 16384);
  if (!nodes)
    return fail_usage(call, nodes.error());
  auto id = o.operands.empty() ? std::string{} : o.operands.front();
  return resize(call, "resource.grow", id, {{"nodes", *nodes}, {"wait", o.has("wait")}});
}

int run_shrink(const invocation& call) {
  auto& o = call.options;
  auto nodes = o.number("nodes", 0, 1, 16384);
  if (!nodes)
    return fail_usage(call, nodes.error());
  if (o.has("wait") && o.has("force"))
    return fail_usage(call, make_error(ec::bad_argument,
                                       "--wait lets the jobs there end by themselves, --force "
                                       "cancels them: only one of these can be"));
  json params{{"wait", o.has("wait")}, {"force", o.has("force")}};
  auto words = o.operands;
  if (!words.empty() && is_ranks(words.back())) {
    params["ranks"] = words.back();
    words.pop_back();
  }
  if (words.size() > 1 && is_ranks(words.front()))
    return fail_usage(call,
                      make_error(ec::bad_argument, "'" + words[0] + " " + words[1]
                                                       + "': the job's id comes first, then ranks "
                                                         "as 2-3"));
  if (params.contains("ranks") == o.has("nodes"))
    return fail_usage(call, make_error(ec::bad_argument,
                                       "which nodes are to go is said by -N or by ranks, as 2-3"));
  if (o.has("nodes"))
    params["nodes"] = *nodes;
  if (words.size() > 1)
    return fail_usage(call, make_error(ec::bad_argument,
                                       "'" + words.back() + "': ranks are written as 2-3 or 2,5"));
  return resize(call, "resource.shrink", words.empty() ? std::string{} : words.front(),
                std::move(params));
}

} // namespace

const command resource_grow_command{
    "resource grow",
    group_instance,
    "gives a nested instance more nodes",
    "[OPTIONS] [JOBID]",
    "Of the instance around it, for the instance that the job holds; without JOBID for this one. "
    "Each node has as many cores and GPUs as the job's first. Prints the ranks that they have in "
    "the nested instance.",
    grow_options,
    " 0    it has them\n"
    " 1    there is no room now, or never; the message says what there is\n"
    " 2    the command line is wrong",
    " hactor resource grow -N 2",
    false,
    0,
    1,
    run_grow};

const command resource_shrink_command{
    "resource shrink",
    group_instance,
    "gives nodes of a nested instance back",
    "[OPTIONS] [JOBID] [RANKS]",
    "To the instance around it, whose other jobs may have them then; without JOBID nodes of this "
    "instance. RANKS are those of the nested instance. Its first one it keeps. When jobs run there "
    "nothing is changed, unless an option says what is to become of them. Ranks that are gone are "
    "not given again.",
    shrink_options,
    " 0    they are given back\n"
    " 1    jobs run there, or there are no such nodes\n"
    " 2    the command line is wrong",
    " hactor resource shrink -N 1\n"
    " hactor resource shrink --force fA2qT 3",
    false,
    0,
    2,
    run_shrink};

} // namespace hactor::tools
