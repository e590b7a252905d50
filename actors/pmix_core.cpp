// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/pmix_core.hpp"

#include <utility>

#include <fmt/format.h>

#include "runtime/packed.hpp"

namespace hactor {

pmix_core::pmix_core(job_id id, const mpi_world& world, pmix_job job, std::vector<rank_t> brokers,
                     rank_t self)
    : id_{id}, world_{world}, job_{std::move(job)}, brokers_{std::move(brokers)}, self_{self} {}

pmix_word pmix_core::word(pmix_kind kind, uint64_t id) const {
  return {kind, job_.space, id, 0, pmix_success, {}};
}

void pmix_core::on_word(const pmix_word& w, effects& out) {
  switch (w.kind) {
  case pmix_kind::lookup:
    known_ = true;
    out.words.push_back(word(pmix_kind::job, w.id));
    out.words.back().bytes = pack(job_);
    for (auto& [ask, request] : asked_)
      add_ask(ask, request.task, out);
    break;
  case pmix_kind::connected:
    inside_.insert(w.rank);
    out.words.push_back(word(pmix_kind::answer, w.id));
    break;
  case pmix_kind::finalized:
    inside_.erase(w.rank);
    out.words.push_back(word(pmix_kind::answer, w.id));
    break;
  case pmix_kind::aborted:
    out.failure =
        fmt::format("{} called MPI_Abort with code {}", rank_text(world_, w.rank), w.status);
    out.exit_code = w.status;
    out.words.push_back(word(pmix_kind::answer, w.id));
    break;
  case pmix_kind::dropped:
    if (is_inside(w.rank))
      out.dropped = w.rank;
    break;
  case pmix_kind::fence:
    fences_.emplace_back(w.id, w.bytes);
    begin_exchange(out);
    break;
  case pmix_kind::fetch:
    if (w.rank < brokers_.size() && brokers_[w.rank] != self_) {
      out.asks.push_back({id_, w.rank, brokers_[w.rank], self_, w.id, world_.number});
    } else {
      out.words.push_back(word(pmix_kind::value, w.id));
      out.words.back().status = pmix_not_found;
    }
    break;
  case pmix_kind::given:
    if (auto it = asked_.find(w.id); it != asked_.end()) {
      out.replies.push_back(
          {id_, it->second.from, it->second.tag, w.status, w.bytes, world_.number});
      asked_.erase(it);
    }
    break;
  case pmix_kind::ended:
    // Another server knows nothing of what this one was told.
    known_ = false;
    fences_.clear();
    for (auto& [ask, request] : std::exchange(asked_, {}))
      out.replies.push_back({id_, request.from, request.tag, pmix_not_found, {}, world_.number});
    if (!inside_.empty()) {
      out.failure = fmt::format("the PMIx server of its MPI program {}", w.bytes);
      out.exit_code = 1;
      inside_.clear();
    }
    break;
  default:
    break; // of ours
  }
}

void pmix_core::begin_exchange(effects& out) {
  if (exchanging_ || fences_.empty())
    return;
  exchanging_ = true;
  out.part = std::exchange(fences_.front().second, {});
}

void pmix_core::on_exchange(const std::string& values, effects& out) {
  exchanging_ = false;
  if (fences_.empty())
    return; // the server that had it has died
  out.words.push_back(word(pmix_kind::fenced, fences_.front().first));
  out.words.back().bytes = values;
  fences_.pop_front();
  begin_exchange(out);
}

void pmix_core::on_request(const modex_request& r, effects& out) {
  auto ask = ++last_ask_;
  asked_[ask] = r;
  if (known_) // else none of its tasks has begun here: the server is asked when one does
    add_ask(ask, r.task, out);
}

void pmix_core::add_ask(uint64_t ask, uint32_t task, effects& out) const {
  out.words.push_back(word(pmix_kind::asked, ask));
  out.words.back().rank = task;
}

void pmix_core::on_reply(const modex_reply& r, effects& out) {
  out.words.push_back(word(pmix_kind::value, r.tag));
  out.words.back().status = r.status;
  out.words.back().bytes = r.value;
}

} // namespace hactor
