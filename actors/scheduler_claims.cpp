// What programs hold that are no jobs of the instance, as scheduler_core keeps it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/scheduler_core.hpp"
#include "graph/claim_id.hpp"

namespace hactor {

namespace {

caf::error no_claim(uint64_t number) {
  return make_error(ec::unknown_job, fmt::format("there is no claim {}", number));
}

caf::error not_known_yet() {
  return make_error(ec::wrong_state, "the resources are not known yet");
}

/// What the matcher is asked for, whether what it finds is held, and whether it is told when
/// nothing can ever be found.
struct operation {
  match_op op;
  bool holds;
  bool judges;
};

constexpr operation operation_of(claim_op op) {
  switch (op) {
  case claim_op::allocate_with_satisfiability:
    return {match_op::allocate, true, true};
  case claim_op::allocate_orelse_reserve:
    return {match_op::allocate_or_reserve, true, true};
  case claim_op::satisfiability:
    return {match_op::satisfiable, false, true};
  case claim_op::without_allocating:
    return {match_op::allocate, false, false};
  case claim_op::without_allocating_future:
    return {match_op::allocate_or_reserve, false, true};
  case claim_op::reserve:
    return {match_op::reserve, true, true};
  case claim_op::allocate:
    break;
  }
  return {match_op::allocate, true, false};
}

} // namespace

caf::error scheduler_core::free_number(uint64_t number) const {
  if (pool_ == nullptr)
    return not_known_yet();
  if (number >= claims_max)
    return make_error(ec::bad_argument,
                      fmt::format("claim {}: numbers are less than {}", number, claims_max));
  if (claims_.count(number) != 0)
    return make_error(ec::wrong_state, fmt::format("there is a claim {} already", number));
  return {};
}

void scheduler_core::keep_claim(uint64_t number, claim c) {
  next_claim_ = std::max(next_claim_, number + 1);
  claims_.insert_or_assign(number, std::move(c));
}

caf::expected<scheduler_core::claim>
scheduler_core::match_claim(uint64_t number, claim_op op,
                            const std::shared_ptr<const resource_request>& request, int64_t now_s) {
  auto how = operation_of(op);
  if (pool_ == nullptr)
    return not_known_yet();
  if (auto e = how.holds ? free_number(number) : caf::error{})
    return e;
  auto queue = queue_of(*request);
  if (queue == nothing)
    return no_queue(request->wants.system.queue);
  auto compiled = pool_->compile(request->wants, queues_[queue].settings.where);
  if (!compiled)
    return std::move(compiled.error());
  auto found = pool_->match(*compiled, how.op, now_s);
  if (found.verdict == match_verdict::invalid)
    return make_error(ec::bad_jobspec, "resources: something shared is below something exclusive");
  if (found.verdict != match_verdict::matched) {
    auto never =
        how.judges
        && pool_->match(*compiled, match_op::satisfiable, now_s).verdict != match_verdict::matched;
    return make_error(never ? ec::unsatisfiable : ec::busy,
                      fmt::format("there {} room for {}{}", never ? "will never be" : "is no",
                                  describe(*request), never ? "" : " now"));
  }
  claim c;
  if (op == claim_op::satisfiability)
    return c;
  if (ends_ > 0 && static_cast<double>(found.what.at) >= ends_)
    return make_error(ec::busy, "there is no room for that before this instance ends");
  c.kind = found.reserved ? hold_kind::reserved : hold_kind::allocated;
  c.r = pool_->r_of(found.what, *request);
  c.r.starttime = static_cast<double>(found.what.at);
  c.r.expiration = request->duration_s > 0 && (ends_ <= 0 || found.what.end() < ends_)
                       ? static_cast<double>(found.what.end())
                       : ends_;
  if (how.holds) {
    pool_->hold(claim_id(number), std::move(found.what), c.kind);
    keep_claim(number, c);
  }
  return c;
}

caf::expected<scheduler_core::claim>
scheduler_core::update_claim(uint64_t number, const std::string& r, int64_t now_s) {
  if (auto e = free_number(number))
    return e;
  for (uint32_t q = 0; q < queues_.size(); ++q)
    begin_pass(q); // what is in use already cannot be promised
  changed();
  auto taken = pool_->take_text(claim_id(number), r, now_s);
  if (!taken)
    return std::move(taken.error());
  claim c;
  c.r = std::move(*taken);
  keep_claim(number, c);
  return c;
}

caf::error scheduler_core::restore_claim(uint64_t number, claim c) {
  if (pool_ != nullptr)
    if (auto e = pool_->take(claim_id(number), c.r, c.kind))
      return e;
  keep_claim(number, std::move(c));
  return {};
}

caf::error scheduler_core::cancel_claim(uint64_t number) {
  if (claims_.erase(number) == 0)
    return no_claim(number);
  if (pool_ != nullptr)
    pool_->release(claim_id(number));
  changed();
  return {};
}

caf::expected<bool> scheduler_core::cancel_claim_part(uint64_t number, const std::string& r) {
  auto* c = find_claim(number);
  if (c == nullptr)
    return no_claim(number);
  if (pool_ == nullptr || pool_->find(claim_id(number)) == nullptr)
    return not_known_yet();
  if (c->kind == hold_kind::reserved)
    return make_error(ec::bad_argument,
                      fmt::format("claim {} has nothing before its time", number));
  auto left = pool_->release_text(claim_id(number), r);
  if (!left)
    return std::move(left.error());
  changed();
  left->starttime = c->r.starttime;
  left->expiration = c->r.expiration;
  c->r = std::move(*left);
  if (pool_->find(claim_id(number)) != nullptr)
    return false;
  claims_.erase(number);
  return true;
}

scheduler_core::claim* scheduler_core::find_claim(uint64_t number) {
  auto i = claims_.find(number);
  return i == claims_.end() ? nullptr : &i->second;
}

/// As jobs do, claims get what they hold of ranks that are not as they were before. One that cannot
/// have it any more (a pool has shrunk; a job is late where it was to begin) is none.
void scheduler_core::retake_claims(const idset& differ, bool all) {
  std::erase_if(claims_, [&](auto& x) {
    auto& [number, c] = x;
    auto is_there = [&](const node_share& n) { return differ.contains(n.rank); };
    if (!all && std::none_of(c.r.nodes.begin(), c.r.nodes.end(), is_there))
      return false;
    return !retake_claim(number, c);
  });
}

/// False when it is lost.
bool scheduler_core::retake_claim(uint64_t number, const claim& c) {
  auto e = pool_->take(claim_id(number), c.r, c.kind);
  if (e)
    lost_claims_.emplace_back(number, render(e));
  return !e;
}

} // namespace hactor
