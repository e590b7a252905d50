// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/claims.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "graph/claim_id.hpp"
#include "graph/query_jobspec.hpp"
#include "runtime/clock.hpp"
#include "runtime/log.hpp"
#include "runtime/near.hpp"

namespace hactor {

namespace {

using claim = scheduler_core::claim;

constexpr std::pair<std::string_view, claim_op> operations[] = {
    {"allocate", claim_op::allocate},
    {"allocate_with_satisfiability", claim_op::allocate_with_satisfiability},
    {"allocate_orelse_reserve", claim_op::allocate_orelse_reserve},
    {"satisfiability", claim_op::satisfiability},
    {"without_allocating", claim_op::without_allocating},
    {"without_allocating_future", claim_op::without_allocating_future},
    {"reserve", claim_op::reserve}};

caf::expected<claim_op> read_operation(const std::string& name) {
  std::vector<std::string_view> names;
  for (auto& [known, op] : operations) {
    if (known == name)
      return op;
    names.push_back(known);
  }
  return make_error(ec::bad_argument,
                    fmt::format("op: there is no \"{}\"{}", name, did_you_mean(name, names)));
}

constexpr bool holds(claim_op op) {
  return op == claim_op::allocate || op == claim_op::allocate_with_satisfiability
         || op == claim_op::allocate_orelse_reserve || op == claim_op::reserve;
}

int64_t now_s() { return wall_ns() / 1'000'000'000; }

claim_info describe(uint64_t number, const claim& c) {
  return {number, c.kind == hold_kind::reserved ? "RESERVED" : "ALLOCATED",
          static_cast<int64_t>(c.r.starttime), c.seconds, to_json(c.r)};
}

/// Those that outlive the clients that made them.
std::string claims_json(const scheduler_state& st) {
  auto list = json::array();
  for (auto& [number, c] : st.core.claims())
    if (st.claimants.count(number) == 0)
      list.push_back({{"number", number},
                      {"reserved", c.kind == hold_kind::reserved},
                      {"seconds", c.seconds},
                      {"R", to_json(c.r)}});
  return dump(list);
}

/// A connector need not be watched when nothing is left that ends with its clients. A monitor that
/// is left behind would be kept by it as long as it lives.
void unwatch(scheduler_state& st, const caf::actor_addr& connector) {
  if (std::none_of(st.claimants.begin(), st.claimants.end(),
                   [&](auto& x) { return x.second.first == connector; }))
    st.self->demonitor(connector);
}

/// False when the claim belonged to no client.
bool disown(scheduler_state& st, uint64_t number) {
  auto it = st.claimants.find(number);
  if (it == st.claimants.end())
    return false;
  auto connector = it->second.first;
  st.claimants.erase(it);
  unwatch(st, connector);
  return true;
}

/// Whether there is a core just now or not.
void end_claim(scheduler_state& st, uint64_t number) {
  if (st.claims.erase(number) == 0)
    (void)st.core.cancel_claim(number); // it may have been lost with its node
  st.want_pass();
}

/// A claim that was made now: it belongs to a client, or stays. What cannot be written down is
/// none.
caf::result<claim_reply> made(scheduler_state& st, const claim_request& r, uint64_t number,
                              const claim& c) {
  claim_reply reply;
  reply.claims.push_back(describe(number, c));
  log_debug("{}: claim {}: {}", st.title, number, reply.claims[0].r);
  auto sender = st.self->current_sender();
  if (r.client == 0 || !sender) {
    auto promise = st.self->make_response_promise<claim_reply>();
    st.commit(claims_key, claims_json(st),
              [&st, promise, reply = std::move(reply), number](const caf::error& e) mutable {
                if (e)
                  end_claim(st, number);
                e ? promise.deliver(e) : promise.deliver(std::move(reply));
              });
    return promise;
  }
  auto connector = sender->address();
  if (std::none_of(st.claimants.begin(), st.claimants.end(),
                   [&](auto& x) { return x.second.first == connector; }))
    st.self->monitor(connector);
  st.claimants[number] = {connector, r.client};
  return reply;
}

void note_time(scheduler_state& st, double seconds) {
  auto& t = st.claim_times;
  t.least = t.matches == 0 ? seconds : std::min(t.least, seconds);
  t.most = std::max(t.most, seconds);
  t.total += seconds;
  ++t.matches;
}

/// Answers when the claims that last are durable as they are now.
caf::result<claim_reply> answer(scheduler_state& st, claim_reply reply) {
  auto promise = st.self->make_response_promise<claim_reply>();
  st.commit(claims_key, claims_json(st),
            [promise, reply = std::move(reply)](const caf::error& e) mutable {
              e ? promise.deliver(e) : promise.deliver(std::move(reply));
            });
  return promise;
}

uint64_t number_of(const scheduler_state& st, const claim_request& r) {
  return r.number < 0 ? st.core.next_claim() : static_cast<uint64_t>(r.number);
}

caf::result<claim_reply> match(scheduler_state& st, const claim_request& r) {
  auto began_ns = steady_ns();
  auto op = read_operation(r.op);
  if (!op)
    return std::move(op.error());
  auto spec = read_query_jobspec(r.text);
  auto request = spec ? compile_request(*spec) : std::move(spec.error());
  if (!request)
    return std::move(request.error());
  auto number = number_of(st, r);
  auto found = st.core.match_claim(
      number, *op, std::make_shared<const resource_request>(std::move(*request)), now_s());
  if (!found)
    return std::move(found.error());
  found->seconds = static_cast<double>(steady_ns() - began_ns) / 1e9;
  if (*op == claim_op::satisfiability)
    return claim_reply{};
  if (!holds(*op)) {
    claim_reply reply;
    reply.claims.push_back(describe(number, *found));
    reply.claims[0].status = "MATCHED";
    return reply;
  }
  st.core.find_claim(number)->seconds = found->seconds;
  note_time(st, found->seconds);
  return made(st, r, number, *found);
}

caf::result<claim_reply> update(scheduler_state& st, const claim_request& r) {
  auto began_ns = steady_ns();
  auto number = number_of(st, r);
  auto taken = st.core.update_claim(number, r.text, now_s());
  st.want_pass(); // what was promised was taken back
  if (!taken)
    return std::move(taken.error());
  taken->seconds = static_cast<double>(steady_ns() - began_ns) / 1e9;
  st.core.find_claim(number)->seconds = taken->seconds;
  return made(st, r, number, *taken);
}

caf::result<claim_reply> cancel(scheduler_state& st, const claim_request& r) {
  claim_reply reply;
  auto number = static_cast<uint64_t>(r.number);
  if (r.verb == claim_verb::cancel) {
    if (auto e = st.core.cancel_claim(number))
      return e;
    reply.all = true;
  } else {
    auto all = st.core.cancel_claim_part(number, r.text);
    if (!all)
      return std::move(all.error());
    reply.all = *all;
  }
  auto of_client = reply.all ? disown(st, number) : st.claimants.count(number) > 0;
  st.tell_vacant();
  st.want_pass();
  return of_client ? caf::result<claim_reply>{reply} : answer(st, std::move(reply));
}

caf::result<claim_reply> look(scheduler_state& st, const claim_request& r) {
  claim_reply reply;
  if (r.verb == claim_verb::list) {
    for (auto& [number, c] : st.core.claims())
      reply.claims.push_back(describe(number, c));
    return reply;
  }
  if (r.verb == claim_verb::info) {
    auto number = static_cast<uint64_t>(r.number);
    auto* c = st.core.find_claim(number);
    if (c == nullptr)
      return make_error(ec::unknown_job, fmt::format("there is no claim {}", number));
    reply.claims.push_back(describe(number, *c));
    return reply;
  }
  auto format = parse_match_format(r.format.empty() ? "rv1_nosched" : r.format);
  if (!format)
    return std::move(format.error());
  auto found = st.core.pool().find_as(r.text, *format, now_s());
  if (!found)
    return std::move(found.error());
  reply.text = std::move(*found);
  if (reply.text.ends_with('\n'))
    reply.text.pop_back();
  return reply;
}

claim_reply stat(const scheduler_state& st) {
  auto& graph = st.core.pool().graph();
  size_t edges = 0;
  for (subsystem_id s = 0; s < graph.subsystem_count(); ++s)
    edges += graph.edge_count(s);
  auto& t = st.claim_times;
  auto mean = t.matches == 0 ? 0 : t.total / static_cast<double>(t.matches);
  claim_reply reply;
  reply.stats = {{"V", static_cast<double>(graph.size())},
                 {"E", static_cast<double>(edges)},
                 {"load-time", st.graph_seconds},
                 {"njobs", static_cast<double>(t.matches + st.grants)},
                 {"min-match", t.least},
                 {"max-match", t.most},
                 {"avg-match", mean}};
  return reply;
}

} // namespace

caf::result<claim_reply> ask_claim(scheduler_state& st, const claim_request& r) {
  if (st.now != scheduler_state::phase::loaded)
    return make_error(ec::unknown_method, st.unloaded_sentence());
  if (!st.core.knows_resources())
    return make_error(ec::unknown_method, "the resources are not known yet");
  switch (r.verb) {
  case claim_verb::match:
    return match(st, r);
  case claim_verb::update:
    return update(st, r);
  case claim_verb::cancel:
  case claim_verb::cancel_part:
    return cancel(st, r);
  case claim_verb::stat:
    return stat(st);
  case claim_verb::clear_stat:
    st.claim_times = {};
    return claim_reply{};
  case claim_verb::info:
  case claim_verb::list:
  case claim_verb::find:
    break;
  }
  return look(st, r);
}

void end_claims_of(scheduler_state& st, const claimant_gone& gone) {
  if (auto sender = st.self->current_sender())
    drop_claims_of(st, sender->address(), gone.client);
}

void drop_claims_of(scheduler_state& st, const caf::actor_addr& connector,
                    std::optional<uint64_t> client) {
  auto dropped = std::erase_if(st.claimants, [&](auto& x) {
    auto& [number, who] = x;
    if (who.first != connector || (client && who.second != *client))
      return false;
    log_info("{}: claim {} ends with the program that made it", st.title, number);
    end_claim(st, number);
    return true;
  });
  if (dropped == 0)
    return;
  unwatch(st, connector);
  st.tell_vacant();
}

void tell_lost_claims(scheduler_state& st) {
  auto lost = st.core.take_lost_claims();
  if (lost.empty())
    return;
  for (auto& [number, why] : lost) {
    log_warning("{}: claim {} is no more: {}", st.title, number, why);
    disown(st, number);
  }
  st.commit(claims_key, claims_json(st), [](const caf::error&) {}); // the journal logs it
}

void restore_claims(scheduler_state& st, const std::string& text) {
  auto list = text.empty() ? caf::expected<json>{json::array()} : parse_json(text);
  if (!list || !list->is_array())
    return;
  for (auto& x : *list) {
    auto number = get_int(x, "number");
    auto reserved = get_bool(x, "reserved");
    auto seconds = get_double(x, "seconds");
    auto text = get_string(x, "R");
    if (!number || !reserved || !seconds || !text || *number < 0)
      continue;
    auto r = parse_rset(*text);
    if (!r)
      continue;
    claim c{*reserved ? hold_kind::reserved : hold_kind::allocated, std::move(*r), *seconds};
    if (auto e = st.core.restore_claim(static_cast<uint64_t>(*number), std::move(c)))
      log_warning("{}: claim {} is no more: {}", st.title, *number, render(e));
  }
}

} // namespace hactor
