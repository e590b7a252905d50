// hactor job memo: notes beside a job.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/commands.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

/// "a.b=2" is {"a": {"b": 2}}, as '{user.a.b}' shows it. Errors: ec::bad_argument.
caf::error put_note(json& memo, const std::string& key, json value) {
  auto* at = &memo;
  for (size_t begin = 0; begin != key.npos;) {
    auto dot = key.find('.', begin);
    if (dot == begin || begin == key.size())
      return bad("'" + key + "=': has no key" + (key.empty() ? " before its '='" : " at a '.'"));
    if (!at->is_null() && !at->is_object())
      return bad("'" + key + "': '" + key.substr(0, begin - 1) + "' is a note of its own");
    at = &(*at)[key.substr(begin, dot - begin)];
    begin = dot == key.npos ? dot : dot + 1;
  }
  *at = std::move(value);
  return {};
}

int run_memo(const invocation& call) {
  std::vector<std::string> texts;
  auto memo = json::object();
  for (auto& word : call.options.operands) {
    auto equals = word.find('=');
    if (equals == word.npos) {
      texts.push_back(word);
      continue;
    }
    auto text = word.substr(equals + 1);
    auto value = parse_json(text);
    if (auto e = put_note(memo, word.substr(0, equals), value ? std::move(*value) : json(text)))
      return fail_usage(call, e);
  }
  auto ids = read_ids(texts);
  if (!ids)
    return fail_usage(call, ids.error());
  if (ids->empty() || memo.empty())
    return fail_usage(call, bad("needs ids of jobs and notes like KEY=VALUE"));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto done = broker.ask("job.memo", {{"ids", *ids}, {"memo", memo}});
    if (!done)
      return std::move(done.error());
    return exit_ok;
  });
}

} // namespace

const command job_memo_command{
    "job memo",
    group_jobs,
    "puts notes beside jobs that have not ended",
    "ID... KEY=VALUE...",
    "The notes are an event of the job (RFC 21: memo) and stay in its record: 'hactor jobs -o "
    "{user.KEY}' shows one, 'hactor job eventlog' all. VALUE is JSON, or text when it is none; "
    "null takes a note away. A KEY with dots is one of several below one name: 'b.c=2 b.d=3'.",
    {},
    usual_exits,
    " hactor job memo f3xK2 step=17 'best={\"loss\":0.2}'",
    false,
    2,
    any_number,
    run_memo};

} // namespace hactor::tools
