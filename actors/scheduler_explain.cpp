// Why a job waits, as scheduler_core knows it: a code and a sentence.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "actors/growth_id.hpp"
#include "actors/scheduler_core.hpp"
#include "graph/type_words.hpp"
#include "runtime/duration.hpp"

namespace hactor {

namespace {

constexpr int64_t ns_per_s = 1'000'000'000;

/// The first vertex, from the top, of which at least two are asked: that is what one can have fewer
/// of. Of slots that are a choice there is no such number.
resource_vertex* countable(std::vector<resource_vertex>& level) {
  for (auto& v : level) {
    if (is_option(v.type))
      continue;
    if (least(v.count) > 1)
      return &v;
    if (auto* below = countable(v.with))
      return below;
  }
  return nullptr;
}

std::string counted(uint64_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

bool overlap(const selection& a, const selection& b) {
  for (auto& x : a.picks)
    for (auto& y : b.picks)
      if (x.at == y.at && (x.exclusive || y.exclusive))
        return true;
  return false;
}

} // namespace

/// How many of what is countable in a shape there is room for; nothing when nothing is countable.
std::optional<uint64_t> scheduler_core::room_for(const job_shape& s, match_op op, int64_t now_s) {
  auto wants = s.request->wants;
  auto* vertex = countable(wants.resources);
  if (vertex == nullptr)
    return std::nullopt;
  uint64_t fits = 0, fails = least(vertex->count);
  while (fails - fits > 1) {
    auto n = fits + (fails - fits) / 2;
    vertex->count = n;
    auto request = pool_->compile(wants, queues_[s.queue].settings.where);
    if (request && pool_->match(*request, op, now_s).verdict == match_verdict::matched)
      fits = n;
    else
      fails = n;
  }
  return fits;
}

/// "there is room for 3 nodes", "there is no gpu".
std::string scheduler_core::room_text(const job_shape& s, match_op op, int64_t now_s) {
  auto wants = s.request->wants;
  auto is_choice = first_option(wants.resources).has_value(); // one kind may lack what others need
  for (auto& n : s.compiled->nodes)
    if (!n.slot && n.type == no_type && !is_choice)
      return fmt::format("there is no {} here", n.name);
  auto* vertex = countable(wants.resources);
  auto room = room_for(s, op, now_s);
  std::string text =
      room ? fmt::format("there is room for {}", count_of_type(std::to_string(*room), vertex->type))
           : "there is no room for that";
  if (!wants.system.constraints.is_null())
    text += " with " + dump(wants.system.constraints);
  auto& where = queues_[s.queue].settings.where;
  if (!where.is_null())
    text += " in queue " + queues_[s.queue].settings.name;
  return text;
}

/// Why a shape that compiles can never be met, "" if it can.
std::string scheduler_core::judge(const job_shape& s) {
  if (auto wanted = s.request->duration_s; ends_ > 0 && wanted > std::ceil(ends_ - began_))
    return fmt::format("asked for {}; this instance lasts {} in all, and its jobs no longer",
                       format_fsd(wanted), format_fsd(ends_ - began_));
  switch (pool_->match(s.compiled, match_op::satisfiable, 0).verdict) {
  case match_verdict::matched:
    return {};
  case match_verdict::invalid:
    return describe(*s.request) + ": a slot cannot have something that others share";
  default:
    return fmt::format("asked for {}; {}", describe(*s.request),
                       room_text(s, match_op::satisfiable, 0));
  }
}

/// The job that has until `at` what the waiting one is promised then.
std::string scheduler_core::holders_until(uint32_t place, int64_t at) const {
  auto* mine = pool_->find(waiting_.job(place).id);
  for (auto& [id, h] : pool_->held().holdings())
    if (h.what.end() == at && id != waiting_.job(place).id.value && overlap(h.what, mine->what))
      return ", behind " + holder_text(job_id{id});
  return {};
}

explanation scheduler_core::explain_reserved(uint32_t place, int64_t at, int64_t now_s) const {
  auto what = describe(*waiting_.shape_at(place).request);
  auto one = what.starts_with("1 ") && what.find(" and ") == what.npos;
  auto wait = at > now_s ? "in " + format_fsd(static_cast<double>(at - now_s)) : "now";
  return {"reserved",
          fmt::format("{} {} reserved for it {}{}", what, one ? "is" : "are", wait,
                      holders_until(place, at)),
          static_cast<double>(at)};
}

explanation scheduler_core::explain_full(uint32_t place, int64_t now_s) {
  auto& s = waiting_.shape_at(place);
  if (s.room_pass != pass_) {
    s.room_pass = pass_;
    auto later = pool_->match(s.compiled, match_op::allocate_or_reserve, now_s).verdict;
    auto c = pool_->counts(now_s);
    s.room = room_text(s, match_op::allocate, now_s) + " now";
    if (later != match_verdict::matched && c.nodes_down + c.nodes_drained > 0)
      s.room = fmt::format("!{}; {} nodes are down and {} drained", s.room, c.nodes_down,
                           c.nodes_drained);
  }
  bool down = s.room.starts_with('!');
  auto text = fmt::format("needs {}; {}", describe(*s.request),
                          std::string_view{s.room}.substr(down ? 1 : 0));
  auto& q = queues_[s.queue];
  if (!q.reservations.empty() && !down) {
    auto& first = q.reservations.front();
    text += ", without delaying " + holder_text(waiting_.job(first.place).id);
  }
  return {down ? "down" : "resources", std::move(text), 0};
}

explanation scheduler_core::explain_waiting(uint32_t place, int64_t now_s) {
  auto& s = waiting_.shape_at(place);
  auto& q = queues_[s.queue];
  if (waiting_.job(place).promised)
    for (auto& r : q.reservations)
      if (r.place == place)
        return explain_reserved(place, r.at, now_s);
  if (!never(s).empty())
    return {"unsatisfiable", "can never run here: " + s.never, 0};
  if (news_ == news::all)
    return {"next", "will be looked at in the next pass", 0};
  auto ahead = waiting_.queue_at(s.queue).order.place(waiting_.jobs(), place);
  auto are_ahead = counted(ahead, "job") + (ahead == 1 ? " is ahead" : " are ahead");
  if (q.blocked != nothing && q.blocked != place && waiting_.before(q.blocked, place))
    return {"behind",
            fmt::format("{} ({}); {} {}", are_ahead, q.settings.policy->name,
                        holder_text(waiting_.job(q.blocked).id),
                        explain_waiting(q.blocked, now_s).sentence),
            0};
  if (s.full)
    return explain_full(place, now_s);
  if (q.cut && counts_as_seen(s.queue, place, 0))
    return {"behind",
            fmt::format("{}, and a pass looks at {}", are_ahead, counted(q.settings.depth, "job")),
            0};
  return {"next", "will be looked at in the next pass", 0};
}

caf::expected<explanation> scheduler_core::explain(job_id id, int64_t now_ns) {
  if (auto i = running_.find(id); i != running_.end()) {
    auto& job = i->second;
    auto text = "holds resources on " + counted(job.nodes.size(), "node");
    if (job.came_back != 0)
      text += fmt::format(", ranks {}; {} came back before", r_of(job).ranks().to_string(),
                          counted(job.came_back, "node"));
    return explanation{"running", std::move(text), job.starttime};
  }
  if (std::find(cancelled_.begin(), cancelled_.end(), id) != cancelled_.end())
    return explanation{"cancelled", "was withdrawn", 0};
  for (auto& [denied, note] : denied_)
    if (denied == id)
      return explanation{"unsatisfiable", note, 0};
  auto place = waiting_.find(id);
  if (place == nothing)
    return make_error(ec::unknown_job,
                      fmt::format("{}: not known to the scheduler", to_string(id)));
  auto& q = queues_[waiting_.shape_at(place).queue];
  if (waiting_.job(place).priority == 0)
    return explanation{"held", "is held: its priority is 0; raise its urgency to release it", 0};
  if (q.stopped)
    return explanation{
        "stopped",
        fmt::format("{} is stopped{}",
                    q.settings.name.empty() ? "scheduling" : "queue " + q.settings.name,
                    q.stopped->empty() ? "" : ": " + *q.stopped),
        0};
  if (pool_ == nullptr)
    return explanation{"stopped", "scheduling has not begun: the resources are not known yet", 0};
  if (is_over(now_ns))
    return explanation{"over", "the time of this instance is over", 0};
  if (auto now = static_cast<double>(now_ns) * 1e-9; lasts_too_long(place, now))
    return explanation{"too-long",
                       fmt::format("asked for {}; this instance ends in {}",
                                   format_fsd(waiting_.shape_at(place).request->duration_s),
                                   format_fsd(std::floor(ends_ - now))),
                       0};
  return explain_waiting(place, now_ns / ns_per_s);
}

} // namespace hactor
