// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/kvs.hpp"

#include <cstring>

#include "runtime/log.hpp"

namespace hactor {

namespace {

class journal_blobs final : public blob_source {
public:
  explicit journal_blobs(std::shared_ptr<journal> store) : store_{std::move(store)} {}

  caf::expected<std::string> load(std::string_view address) override {
    return store_->blob(address);
  }
  caf::expected<uint64_t> references(std::string_view address) override {
    return store_->blob_references(address);
  }

private:
  std::shared_ptr<journal> store_;
};

caf::error restore(kvs_state& st) {
  auto records = st.setup.store->meta_with(kvs_record_prefix);
  if (!records)
    return std::move(records.error());
  for (auto& [name, text] : *records)
    name.erase(0, std::strlen(kvs_record_prefix));
  return st.core->restore(*records);
}

} // namespace

void kvs_state::answer_commit(uint64_t request, const kvs_root& root) {
  if (auto it = commits.find(request); it != commits.end()) {
    it->second.deliver(root);
    commits.erase(it);
  }
}

void kvs_state::answer_space(uint64_t request, const kvs_spaces& answer) {
  if (auto it = spaces.find(request); it != spaces.end()) {
    it->second.deliver(answer);
    spaces.erase(it);
  }
}

void kvs_state::refuse(uint64_t request, const caf::error& e) {
  if (auto it = commits.find(request); it != commits.end()) {
    it->second.deliver(e);
    commits.erase(it);
  } else if (auto other = spaces.find(request); other != spaces.end()) {
    other->second.deliver(e);
    spaces.erase(other);
  }
}

void kvs_state::commit(kvs_change change) {
  commit_request r;
  r.batch.blobs = std::move(change.blobs);
  for (auto& [name, text] : change.records)
    r.batch.meta.emplace_back(kvs_record_prefix + name, std::move(text));
  self->request(setup.writer, caf::infinite, std::move(r))
      .then(
          [this](const committed&) {
            core->on_committed(*this);
            flush_soon();
          },
          [this](const caf::error& e) { core->on_failed(e, *this); }); // the journal logs it
}

void kvs_state::tell(uint64_t watch, const kvs_changed& what) {
  if (auto it = watchers.find(watch); it != watchers.end())
    self->send(caf::actor_cast<connector_actor>(it->second.handle), what);
}

void kvs_state::end_watch(uint64_t watch) {
  auto it = watchers.find(watch);
  if (it == watchers.end())
    return;
  auto who = it->second.handle.address();
  watches.erase({who, it->second.tag});
  // CAF forgets all monitors of a handle at once: the last watch alone may end them.
  auto other = watches.lower_bound({who, 0});
  if (other == watches.end() || other->first.first != who)
    self->demonitor(it->second.handle);
  watchers.erase(it);
}

void kvs_state::flush_soon() {
  if (flushing || !core->wants_flush())
    return;
  flushing = true;
  self->send(self, caf::flush_atom_v);
}

namespace {

using pointer = kvs_state::pointer;

caf::result<kvs_root> on_commit(pointer self, kvs_commit_request& r) {
  auto& st = self->state;
  if (st.broken)
    return st.broken;
  auto number = ++st.last_request;
  auto promise = self->make_response_promise<kvs_root>();
  st.commits.emplace(number, promise);
  st.core->on_commit_request(number, r, st);
  st.flush_soon();
  return promise;
}

caf::result<kvs_spaces> on_space(pointer self, const kvs_space_request& r) {
  auto& st = self->state;
  if (st.broken)
    return st.broken;
  auto number = ++st.last_request;
  auto promise = self->make_response_promise<kvs_spaces>();
  st.spaces.emplace(number, promise);
  st.core->on_space_request(number, r, st);
  st.flush_soon();
  return promise;
}

void on_watch(pointer self, const kvs_watch_request& r) {
  auto& st = self->state;
  if (st.broken) {
    self->send(
        caf::actor_cast<connector_actor>(r.subscriber),
        kvs_changed{r.tag, 0, {}, static_cast<uint8_t>(code_of(st.broken)), render(st.broken)});
    return;
  }
  auto number = ++st.last_watch;
  st.watchers[number] = {r.subscriber, r.tag};
  st.watches[{r.subscriber.address(), r.tag}] = number;
  self->monitor(r.subscriber);
  st.core->watch(number, r, st);
}

/// Ends a watch that nobody wants to hear of any more.
void on_unwatch(pointer self, const caf::actor_addr& who, uint64_t tag) {
  auto& st = self->state;
  auto it = st.watches.find({who, tag});
  if (it == st.watches.end())
    return;
  auto number = it->second;
  st.core->unwatch(number);
  st.end_watch(number);
}

void on_down(pointer self, const caf::actor_addr& who) {
  auto& st = self->state;
  std::vector<uint64_t> tags;
  for (auto it = st.watches.lower_bound({who, 0}); it != st.watches.end() && it->first.first == who;
       ++it)
    tags.push_back(it->first.second);
  for (auto tag : tags)
    on_unwatch(self, who, tag);
}

stats_reply tell_stats(const kvs_state& st) {
  auto& c = *st.core;
  return {{{"transactions", static_cast<int64_t>(c.transactions())},
           {"commits", static_cast<int64_t>(c.commits())},
           {"namespaces", static_cast<int64_t>(c.spaces())},
           {"watches", static_cast<int64_t>(c.watches())},
           {"cached_bytes", static_cast<int64_t>(c.cached_bytes())}}};
}

waits_reply tell_waits(const kvs_state& st) {
  waits_reply r;
  if (auto n = st.core->waiting(); n != 0)
    r.lines.push_back(std::to_string(n) + " transactions wait for the journal");
  if (auto n = st.core->fences(); n != 0)
    r.lines.push_back(std::to_string(n) + " fences wait for parties");
  if (auto n = st.core->watches(); n != 0)
    r.lines.push_back(std::to_string(n) + " watches wait for changes, or to be read by");
  return r;
}

} // namespace

kvs_actor::behavior_type kvs_service(pointer self, kvs_setup setup) {
  auto& st = self->state;
  st.setup = std::move(setup);
  st.core =
      std::make_unique<kvs_core>(std::make_shared<journal_blobs>(st.setup.store), st.setup.owner);
  st.broken = restore(st);
  if (st.broken)
    log_error("{}: {}", st.setup.title, render(st.broken));
  self->send(st.setup.writer,
             kvs_begin{st.broken ? caf::actor{} : caf::actor_cast<caf::actor>(self)});
  self->set_down_handler([self](const caf::down_msg& down) { on_down(self, down.source); });
  return {
      [self](kvs_commit_request& r) { return on_commit(self, r); },
      [self](const kvs_lookup_request& r) -> caf::result<kvs_lookup_reply> {
        auto& st = self->state;
        if (st.broken)
          return st.broken;
        auto found = st.core->lookup(r);
        if (!found)
          return std::move(found.error());
        return std::move(*found);
      },
      [self](const kvs_root_request& r) -> caf::result<kvs_root> {
        if (self->state.broken)
          return self->state.broken;
        auto found = self->state.core->root(r);
        if (!found)
          return std::move(found.error());
        return std::move(*found);
      },
      [self](const kvs_space_request& r) { return on_space(self, r); },
      [self](const kvs_watch_request& r) { on_watch(self, r); },
      [self](const kvs_watch_credit& c) {
        auto& st = self->state;
        if (auto it = st.watches.find({c.subscriber.address(), c.tag}); it != st.watches.end())
          st.core->credit(it->second, st);
      },
      [self](const kvs_unwatch& u) { on_unwatch(self, u.subscriber.address(), u.tag); },
      [self](flush_atom) {
        self->state.flushing = false;
        self->state.core->flush(self->state);
      },
      [self](stats_atom) { return tell_stats(self->state); },
      [self](waits_atom) { return tell_waits(self->state); },
  };
}

} // namespace hactor
