// The method of the client protocol by which programs hold resources without jobs (claims.hpp). A
// claim ends with its client's connection unless it is to be kept.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/client_calls.hpp"

namespace hactor {

namespace {

struct verb_row {
  std::string_view name;
  claim_verb verb;
  const char* text; // the parameter that says what is asked; null: none
  bool numbered;    // it names a claim
};

constexpr verb_row verbs[] = {{"match", claim_verb::match, "jobspec", false},
                              {"update", claim_verb::update, "R", false},
                              {"cancel", claim_verb::cancel, nullptr, true},
                              {"cancel-part", claim_verb::cancel_part, "R", true},
                              {"info", claim_verb::info, nullptr, true},
                              {"list", claim_verb::list, nullptr, false},
                              {"find", claim_verb::find, "criteria", false},
                              {"stat", claim_verb::stat, nullptr, false},
                              {"clear-stat", claim_verb::clear_stat, nullptr, false}};

json to_json(const claim_info& c) {
  return {{"number", c.number},
          {"status", c.status},
          {"at", c.at},
          {"overhead", c.seconds},
          {"R", c.r}};
}

json to_json(claim_verb verb, const claim_reply& x) {
  auto reply = json::object();
  switch (verb) {
  case claim_verb::list:
    reply["claims"] = json::array();
    for (auto& c : x.claims)
      reply["claims"].push_back(to_json(c));
    break;
  case claim_verb::find:
    reply["R"] = x.text;
    break;
  case claim_verb::cancel_part:
    reply["full"] = x.all;
    break;
  default:
    if (!x.claims.empty())
      reply = to_json(x.claims[0]);
    for (auto& [name, value] : x.stats)
      reply[name] = value;
  }
  return reply;
}

/// What is asked; what is wrong is remembered in `p`.
claim_request read_claim_request(client_params& p) {
  claim_request r;
  auto verb = p.text("verb");
  auto row =
      std::find_if(std::begin(verbs), std::end(verbs), [&](auto& v) { return v.name == verb; });
  if (row == std::end(verbs)) {
    std::string names;
    for (auto& v : verbs)
      names += (names.empty() ? "" : ", ") + std::string{v.name};
    p.refuse(fmt::format("verb: must be one of {}, found \"{}\"", names, verb));
    return r;
  }
  r.verb = row->verb;
  if (row->text != nullptr)
    r.text = p.text(row->text);
  r.op = p.text("op", "allocate");
  r.format = p.text("format", "");
  if (p.has("number") || row->numbered) {
    r.number = p.integer("number", -1);
    if (r.number < 0)
      p.refuse(fmt::format("number: must be that of a claim, found {}", r.number));
  }
  return r;
}

} // namespace

void ask_claims(const client_call& c, client_params& p) {
  auto r = read_claim_request(p);
  if (!p.flag("keep", false))
    r.client = c.session;
  if (refused(c, p))
    return;
  with_lead(c, [c, r](const rank_services& lead) {
    auto session = c.self->state.sessions.find(c.session);
    if (session == c.self->state.sessions.end())
      return; // nobody would ever end it
    auto scheduler = caf::actor_cast<scheduler_actor>(lead.scheduler);
    if (r.client != 0 && (r.verb == claim_verb::match || r.verb == claim_verb::update))
      session->second.claims_at = scheduler;
    c.self->request(scheduler, caf::infinite, r)
        .then(
            [c, verb = r.verb](const claim_reply& x) {
              c.self->state.reply(c.session, c.tag, to_json(verb, x));
            },
            fail_call(c));
  });
}

} // namespace hactor
