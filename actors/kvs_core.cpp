// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/kvs_core.hpp"

#include <fmt/format.h>

#include "store/kvs_key.hpp"

namespace hactor {

namespace {

/// What a watch may be behind before states are left out.
constexpr size_t queued_max = 64, queued_bytes_max = 4u << 20;

/// Bytes of transactions at fences, which may wait for ever for a party that has died: beyond it
/// more are refused, and those without a fence go on.
constexpr size_t fenced_bytes_max = 64u << 20;

size_t bytes_of(const std::vector<kvs_op>& operations) {
  size_t bytes = 0;
  for (auto& op : operations)
    bytes += sizeof op + op.key.size() + op.value.size();
  return bytes;
}

caf::error too_busy(size_t bytes, const char* for_what) {
  return make_error(ec::busy, fmt::format("{} MiB of transactions wait for {}: try again later",
                                          bytes >> 20, for_what));
}

caf::error about(const std::string& key, const caf::error& e) {
  return make_error(code_of(e), "key '" + key + "': " + render(e));
}

} // namespace

// -- transactions ---------------------------------------------------------------------------------

void kvs_core::on_commit_request(uint64_t request, kvs_commit_request& r, kvs_out& out) {
  auto waits = gathered_bytes_ + under_way_bytes_;
  if (waits > limits::kvs_waiting_bytes_max)
    return out.refuse(request, too_busy(waits, "the disk"));
  if (r.fence.empty())
    apply(r, {request}, out);
  else
    join_fence(request, r, out);
}

void kvs_core::join_fence(uint64_t request, kvs_commit_request& r, kvs_out& out) {
  // Who may not commit must not be waited for either.
  if (auto root = store_.root(r.space, r.userid); !root)
    return out.refuse(request, root.error());
  if (r.parties == 0)
    return out.refuse(
        request, make_error(ec::bad_argument, "fence '" + r.fence + "': needs at least one party"));
  // One without operations waits, too.
  auto bytes = bytes_of(r.operations) + sizeof r + r.space.size() + r.fence.size();
  if (fenced_bytes_ + bytes > fenced_bytes_max)
    return out.refuse(request, too_busy(fenced_bytes_, "the rest of the parties of their fences"));
  auto key = std::pair{r.space, r.fence};
  auto& f = fences_.try_emplace(key, fence{r.parties, {}, {}}).first->second;
  if (f.parties != r.parties)
    return out.refuse(request, make_error(ec::bad_argument,
                                          fmt::format("fence '{}': others said {} parties, not {}",
                                                      r.fence, f.parties, r.parties)));
  fenced_bytes_ += bytes;
  f.bytes += bytes;
  std::move(r.operations.begin(), r.operations.end(), std::back_inserter(f.operations));
  f.requests.push_back(request);
  if (f.requests.size() < f.parties)
    return;
  auto whole = std::move(f);
  fences_.erase(key);
  fenced_bytes_ -= whole.bytes;
  r.operations = std::move(whole.operations);
  apply(r, whole.requests, out);
}

/// Those of a namespace that is no more.
void kvs_core::drop_fences(const std::string& space, kvs_out& out) {
  for (auto it = fences_.lower_bound({space, ""}); it != fences_.end() && it->first.first == space;
       it = fences_.erase(it)) {
    fenced_bytes_ -= it->second.bytes;
    for (auto request : it->second.requests)
      out.refuse(request, make_error(ec::unknown_key,
                                     "namespace '" + space + "' was removed before all parties of "
                                         + "fence '" + it->first.second + "' had come"));
  }
}

void kvs_core::apply(const kvs_commit_request& r, const std::vector<uint64_t>& requests,
                     kvs_out& out) {
  auto sequence = store_.apply(r.space, r.userid, r.operations);
  if (!sequence) {
    for (auto request : requests)
      out.refuse(request, sequence.error());
    return;
  }
  ++transactions_;
  gathered_bytes_ += bytes_of(r.operations);
  for (auto request : requests)
    gathered_.push_back({request, r.space, *sequence});
}

void kvs_core::on_space_request(uint64_t request, const kvs_space_request& r, kvs_out& out) {
  if (r.verb == kvs_space_verb::list)
    return out.answer_space(request, {store_.roots()});
  if (r.verb == kvs_space_verb::forget)
    return forget(request, r.jobs, out);
  auto err = r.verb == kvs_space_verb::create
                 ? store_.create(r.space, r.userid, r.owner, r.reference)
                 : store_.remove(r.space, r.userid);
  if (err)
    return out.refuse(request, err);
  gathered_.push_back({request, r.space, 0, r.verb});
}

/// Removes what these jobs have; the answer to the first of the namespaces is that to all.
void kvs_core::forget(uint64_t request, const std::vector<job_id>& jobs, kvs_out& out) {
  auto waits = gathered_.size();
  for (auto id : jobs) {
    auto space = kvs_space_of(id);
    if (auto err = store_.remove(space, 0); !err)
      gathered_.push_back({request, std::move(space), 0, kvs_space_verb::remove});
    else if (code_of(err) != ec::unknown_key)
      return out.refuse(request, err);
  }
  if (gathered_.size() == waits)
    out.answer_space(request, {});
}

void kvs_core::flush(kvs_out& out) {
  if (!wants_flush())
    return;
  auto change = store_.prepare();
  if (!change)
    return on_failed(change.error(), out);
  committing_ = true;
  under_way_ = std::move(gathered_);
  gathered_.clear();
  under_way_bytes_ = std::exchange(gathered_bytes_, 0);
  out.commit(std::move(*change));
}

void kvs_core::answer(const waiter& w, kvs_out& out) {
  auto root = store_.root(w.space, 0);
  if (w.verb == kvs_space_verb::remove) {
    drop_fences(w.space, out);
    return out.answer_space(w.request, {});
  }
  if (!root) // it was removed by the same commit
    return out.refuse(w.request, root.error());
  if (w.verb == kvs_space_verb::create)
    return out.answer_space(w.request, {{std::move(*root)}});
  root->sequence = w.sequence;
  out.answer_commit(w.request, *root);
}

void kvs_core::on_committed(kvs_out& out) {
  store_.committed();
  committing_ = false;
  ++commits_;
  for (auto& w : under_way_)
    answer(w, out);
  under_way_.clear();
  under_way_bytes_ = 0;
  std::vector<uint64_t> numbers; // pumping may end one
  for (auto& [number, w] : watches_)
    numbers.push_back(number);
  for (auto number : numbers) {
    observe(watches_.at(number));
    pump(number, out);
  }
}

void kvs_core::on_failed(const caf::error& why, kvs_out& out) {
  store_.failed();
  committing_ = false;
  for (auto* some : {&under_way_, &gathered_}) {
    for (auto& w : *some)
      out.refuse(w.request, why);
    some->clear();
  }
  under_way_bytes_ = gathered_bytes_ = 0;
}

// -- reading --------------------------------------------------------------------------------------

caf::expected<kvs_lookup_reply> kvs_core::lookup(const kvs_lookup_request& r) {
  auto follows = r.want == kvs_want::value || r.want == kvs_want::listing;
  auto object = store_.lookup({r.space, r.userid, r.key, r.at, follows});
  if (!object)
    return std::move(object.error());
  kvs_lookup_reply reply;
  switch (r.want) {
  case kvs_want::value: {
    auto value = store_.read_value(*object);
    if (!value)
      return about(r.key, value.error());
    reply.value = std::move(*value);
    break;
  }
  case kvs_want::treeobj:
    reply.value = encode_object(*object);
    break;
  case kvs_want::link:
    if (object->kind != kvs_object::type::symlink)
      return make_error(ec::wrong_state, "key '" + r.key + "': is not a link");
    reply.value = object->bytes;
    reply.space = object->space;
    break;
  case kvs_want::listing: {
    auto list = store_.list(*object, r.after);
    if (!list)
      return about(r.key, list.error());
    reply.entries = std::move(list->entries);
    reply.more = list->more;
    break;
  }
  }
  return reply;
}

// -- watches --------------------------------------------------------------------------------------

void kvs_core::watch(uint64_t number, kvs_watch_request r, kvs_out& out) {
  auto& w = watches_[number];
  w.request = std::move(r);
  observe(w);
  pump(number, out);
}

void kvs_core::credit(uint64_t number, kvs_out& out) {
  auto it = watches_.find(number);
  if (it == watches_.end())
    return;
  auto& w = it->second;
  w.busy = false;
  if (w.queue.empty() && w.behind)
    observe(w);
  pump(number, out);
}

void kvs_core::queue(watched& w, std::string value) {
  kvs_changed what;
  what.tag = w.request.tag;
  if (auto root = store_.root(w.request.space, w.request.userid))
    what.sequence = root->sequence;
  w.queued_bytes += value.size();
  what.value = std::move(value);
  w.queue.push_back(std::move(what));
}

void kvs_core::queue_end(watched& w, const caf::error& why) {
  queue(w, {});
  w.queue.back().code = static_cast<uint8_t>(code_of(why));
  w.queue.back().why = render(why);
  w.over = true;
}

/// Looks at what is there now, and queues what is to be told of it.
void kvs_core::observe(watched& w) {
  auto& r = w.request;
  // What is appended is found again by how much was told: one part at a time is enough.
  auto room = r.follow == kvs_follow::value ? queued_max : 1;
  w.behind = w.queue.size() >= room || w.queued_bytes >= queued_bytes_max;
  if (w.over || w.behind)
    return;
  if (r.follow == kvs_follow::version) {
    auto root = store_.root(r.space, r.userid);
    if (!root && !(r.wait_create && code_of(root.error()) == ec::unknown_key))
      return queue_end(w, root.error());
    if (!root || root->sequence < r.sequence)
      return;
    queue(w, {});
    w.over = true;
    return;
  }
  auto object = store_.lookup({r.space, r.userid, r.key});
  if (object)
    return observe_value(w, std::move(*object));
  auto absent = code_of(object.error()) == ec::unknown_key;
  if (absent && r.wait_create && !w.begun)
    return;
  if (absent && w.begun)
    return queue_end(w, make_error(ec::unknown_key, "key '" + r.key + "': was removed"));
  queue_end(w, object.error());
}

void kvs_core::observe_value(watched& w, kvs_object now) {
  auto& r = w.request;
  if (w.begun && same_object(w.last, now))
    return;
  uint64_t from = 0;
  if (w.begun && r.follow == kvs_follow::append) {
    auto continues = store_.continues(w.last, now);
    if (!continues)
      return queue_end(w, continues.error());
    if (!*continues)
      return queue_end(
          w, make_error(ec::wrong_state, "key '" + r.key + "': was replaced, not appended to"));
    from = w.last.value_size();
  }
  auto value = store_.read_value(now, from);
  if (!value)
    return queue_end(w, about(r.key, value.error()));
  w.begun = true;
  w.last = std::move(now);
  queue(w, std::move(*value));
}

void kvs_core::pump(uint64_t number, kvs_out& out) {
  auto it = watches_.find(number);
  auto& w = it->second;
  if (w.busy || w.queue.empty())
    return;
  auto what = std::move(w.queue.front());
  w.queue.pop_front();
  w.queued_bytes -= what.value.size();
  w.busy = true;
  const bool last = w.over && w.queue.empty();
  if (last)
    watches_.erase(it);
  out.tell(number, what);
  if (last)
    out.end_watch(number);
}

} // namespace hactor
