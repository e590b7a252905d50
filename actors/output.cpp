// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/output.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

/// Parts are not joined beyond this, so that one read never takes more.
constexpr uint32_t part_bytes_max = 1 << 20;

/// How soon bytes that found the disk full are tried again.
constexpr auto append_retry = std::chrono::seconds(1);

/// A reader that has not come again for so long does not come any more.
constexpr auto reader_patience = std::chrono::minutes(10);

/// A place in a job's output: the part, and how much of it was read.
uint64_t cursor_of(size_t part, uint32_t bytes) {
  return static_cast<uint64_t>(part) << 32 | bytes;
}

void wake_readers(output_state::pointer self, output_state::live_job& job) {
  for (auto& r : std::exchange(job.waiting, {}))
    self->send(caf::actor_cast<connector_actor>(r.handle), output_ready{r.tag, self->state.rank});
}

/// Spools the bytes. False: the disk is full, try again.
bool append(output_state::pointer self, const output_append& a) {
  auto& st = self->state;
  auto extent = st.store->append(a.id, a.task, a.stream, a.bytes);
  if (!extent) {
    if (!std::exchange(st.complained, true))
      log_error("output: {}", render(extent.error()));
    if (code_of(extent.error()) == ec::disk_full)
      return false;
    st.gate->done(static_cast<int64_t>(a.bytes.size()));
    return true;
  }
  st.complained = false;
  st.bytes += static_cast<int64_t>(a.bytes.size());
  st.gate->done(static_cast<int64_t>(a.bytes.size()));
  auto& job = st.live[a.id];
  spool_part part{a.task, a.stream, *extent};
  if (!job.index.empty() && job.index.back().extent.size + extent->size <= part_bytes_max)
    add_part(job.index, part);
  else
    job.index.push_back(part);
  wake_readers(self, job);
  return true;
}

/// The job writes on. Readers know places in its index, which are the same in the one that follows.
void reopen(output_state::pointer self, const output_reopen& r) {
  auto& st = self->state;
  auto index = st.store->read_index(r.address);
  if (!index)
    return log_error("output: what {} wrote before is lost: {}", to_string(r.id),
                     render(index.error()));
  auto& job = st.live[r.id];
  job.before = r.address;
  job.before_parts = index->size();
  job.index = std::move(*index);
}

/// Reads parts from the cursor on until enough bytes are there.
caf::expected<output_reply> read_parts(const spool& store, const std::vector<spool_part>& index,
                                       const output_request& r) {
  output_reply reply;
  size_t part = r.cursor >> 32;
  auto done = static_cast<uint32_t>(r.cursor);
  uint64_t bytes = 0;
  for (; part < index.size() && (bytes < r.max_bytes || bytes == 0); ++part, done = 0) {
    auto extent = index[part].extent;
    extent.offset += done;
    extent.size -= done;
    if (extent.size == 0 && part + 1 == index.size())
      break; // the last part may still grow
    if (extent.size == 0)
      continue;
    auto text = store.read(extent);
    if (!text)
      return std::move(text.error());
    bytes += text->size();
    reply.chunks.push_back({index[part].task, index[part].stream, std::move(*text)});
    if (part + 1 == index.size()) {
      done = index[part].extent.size;
      break;
    }
  }
  reply.cursor = cursor_of(part, done);
  reply.end = index.empty() ? 0 : cursor_of(index.size() - 1, index.back().extent.size);
  return reply;
}

bool at_end(const std::vector<spool_part>& index, uint64_t cursor) {
  auto part = cursor >> 32;
  return part >= index.size()
         || (part + 1 == index.size()
             && static_cast<uint32_t>(cursor) >= index[part].extent.size);
}

void drop_readers_that_left(output_state& st) {
  auto since = steady_ns() - std::chrono::nanoseconds(reader_patience).count();
  std::erase_if(st.reading, [since](auto& r) { return r.second < since; });
  st.reading_max = std::max<size_t>(1000, 2 * st.reading.size());
}

/// Somebody reads what lies there, or is about to.
void note_reader(output_state& st, uint64_t address) {
  st.reading[address] = steady_ns();
  if (st.reading.size() > st.reading_max)
    drop_readers_that_left(st);
}

/// Ends a job's output; nullopt: the disk is full, try again.
std::optional<caf::expected<output_sealed>> seal(output_state::pointer self, job_id id) {
  auto& st = self->state;
  auto it = st.live.find(id);
  if (it == st.live.end())
    return output_sealed{0};
  uint64_t address = 0;
  if (!it->second.index.empty()) {
    auto written = st.store->append_index(id, it->second.index);
    if (!written && code_of(written.error()) == ec::disk_full)
      return std::nullopt;
    if (!written)
      return std::move(written.error());
    address = *written;
    // The job's end is about to be durable: what it said must outlive us too. On a full disk it
    // stays in the buffer, which is told of when that has no more room.
    if (auto err = st.store->flush(); err && code_of(err) != ec::disk_full)
      return err;
  }
  auto job = std::move(it->second);
  st.live.erase(it);
  if (job.before != 0) // the new index has all
    st.store->forget_index(id, job.before);
  if (job.is_read && address != 0)
    note_reader(st, address);
  wake_readers(self, job);
  return output_sealed{address};
}

void arm_retry(output_state::pointer self) {
  if (!self->state.stuck.empty() && !std::exchange(self->state.retry_armed, true))
    self->delayed_send(self, append_retry, caf::tick_atom_v);
}

/// Does what waits for room on the disk, as far as it goes.
void retry_stuck(output_state::pointer self) {
  auto& st = self->state;
  for (; !st.stuck.empty(); st.stuck.pop_front()) {
    if (auto* a = std::get_if<output_append>(&st.stuck.front())) {
      if (!append(self, *a))
        break;
      continue;
    }
    auto& s = std::get<output_state::stuck_seal>(st.stuck.front());
    auto sealed = seal(self, s.id);
    if (!sealed)
      break;
    if (*sealed)
      s.promise.deliver(**sealed);
    else
      s.promise.deliver((*sealed).error());
  }
  arm_retry(self);
}

void get_stuck(output_state::pointer self, output_state::stuck_work work) {
  self->state.stuck.push_back(std::move(work));
  arm_retry(self);
}

/// Ends a job's output that waits for room, with what there is of it.
void give_up(output_state::pointer self, job_id id) {
  auto& st = self->state;
  auto is_its_seal = [id](const output_state::stuck_work& w) {
    auto* s = std::get_if<output_state::stuck_seal>(&w);
    return s != nullptr && s->id == id;
  };
  auto at = std::find_if(st.stuck.begin(), st.stuck.end(), is_its_seal);
  if (at == st.stuck.end())
    return; // it was not stuck, or is no more
  auto promise = std::get<output_state::stuck_seal>(*at).promise;
  st.stuck.erase(at);
  int64_t bytes = 0;
  std::erase_if(st.stuck, [&](const output_state::stuck_work& w) {
    auto* a = std::get_if<output_append>(&w);
    if (a == nullptr || a->id != id)
      return false;
    bytes += static_cast<int64_t>(a->bytes.size());
    return true;
  });
  st.gate->done(bytes);
  auto sealed = seal(self, id);
  if (sealed && !*sealed) {
    promise.deliver((*sealed).error());
    return;
  }
  output_sealed reply{sealed ? (*sealed)->address : 0};
  if (!sealed) { // nor is there room for its index
    auto job = std::move(st.live[id]);
    st.live.erase(id);
    auto first = job.index.begin() + static_cast<ptrdiff_t>(job.before_parts);
    st.store->forget_parts({first, job.index.end()});
    wake_readers(self, job);
    reply.lost = "the disk is full: what it wrote is lost";
  } else if (bytes > 0) {
    reply.lost = fmt::format("the disk is full: the last {} bytes that it wrote are lost", bytes);
  }
  promise.deliver(std::move(reply));
}

/// Gives up the output of jobs that nobody knows any more; that which is being read, later.
void forget(output_state::pointer self, const std::vector<output_state::forgotten_job>& jobs) {
  auto& st = self->state;
  drop_readers_that_left(st);
  std::vector<output_state::forgotten_job> unread;
  for (auto& job : jobs)
    (st.reading.count(job.second) != 0 ? st.kept_for_readers : unread).push_back(job);
  auto count = st.store->forget(unread);
  if (count != unread.size())
    log_debug("output: of {} forgotten jobs {} had output that could be read", unread.size(),
              count);
  if (!st.kept_for_readers.empty() && !std::exchange(st.look_armed, true))
    self->delayed_send(self, reader_patience, caf::timeout_atom_v);
  retry_stuck(self);
}

void forget_what_was_kept(output_state::pointer self) {
  forget(self, std::exchange(self->state.kept_for_readers, {}));
}

void note_reading(output_state::pointer self, uint64_t address, bool is_read) {
  auto& st = self->state;
  if (!is_read)
    note_reader(st, address);
  else if (st.reading.erase(address) != 0 && !st.kept_for_readers.empty())
    forget_what_was_kept(self);
}

caf::result<output_reply> read_output(output_state::pointer self, const output_request& r) {
  auto& st = self->state;
  if (r.address != 0)
    st.live.erase(r.id); // sealed: at most a reader that came too late is left there
  if (auto it = st.live.find(r.id); it != st.live.end()) {
    auto reply = read_parts(*st.store, it->second.index, r);
    if (!reply)
      return std::move(reply.error());
    it->second.is_read = true;
    if (reply->chunks.empty() && r.reader)
      it->second.waiting.push_back({r.reader, r.tag});
    if (!r.reader && it->second.index.empty()) {
      // The job has ended without a word, or a reader has gone: only readers' names were kept. Who
      // still waits asks again.
      auto job = std::move(it->second);
      st.live.erase(it);
      wake_readers(self, job);
      reply->sealed = true;
    }
    return std::move(*reply);
  }
  if (r.address == 0) {
    // The job has written nothing so far; if it lives, the first bytes wake the reader.
    if (r.reader)
      st.live[r.id].waiting.push_back({r.reader, r.tag});
    return output_reply{{}, r.cursor, !r.reader};
  }
  auto index = st.store->read_index(r.address);
  if (!index)
    return std::move(index.error());
  auto reply = read_parts(*st.store, *index, r);
  if (!reply)
    return std::move(reply.error());
  reply->sealed = at_end(*index, reply->cursor);
  note_reading(self, r.address, reply->sealed);
  return std::move(*reply);
}

std::vector<std::string> waits_of(const output_state& st) {
  std::vector<std::string> lines;
  size_t readers = 0;
  for (auto& [id, job] : st.live)
    readers += job.waiting.size();
  if (!st.live.empty())
    lines.push_back(fmt::format("{} jobs write or are awaited, {} readers wait for output",
                                st.live.size(), readers));
  if (!st.stuck.empty())
    lines.push_back(fmt::format("the disk is full: {} writes are tried again each second",
                                st.stuck.size()));
  return lines;
}

} // namespace

output_actor::behavior_type output_service(output_state::pointer self, rank_t rank,
                                           std::shared_ptr<spool> store,
                                           std::shared_ptr<output_gate> gate) {
  auto& st = self->state;
  st.rank = rank;
  st.store = std::move(store);
  st.gate = std::move(gate);
  return {
      [self](output_append& a) {
        if (!self->state.stuck.empty() || !append(self, a))
          get_stuck(self, std::move(a));
      },
      [self](const output_reopen& r) { reopen(self, r); },
      [self](const output_seal& s) -> caf::result<output_sealed> {
        if (self->state.stuck.empty())
          if (auto sealed = seal(self, s.id)) {
            if (*sealed)
              return **sealed;
            return std::move((*sealed).error());
          }
        auto promise = self->make_response_promise<output_sealed>();
        get_stuck(self, output_state::stuck_seal{s.id, promise});
        return promise;
      },
      [self](const output_give_up& g) { give_up(self, g.id); },
      [self](const output_request& r) { return read_output(self, r); },
      [self](const output_forget& f) { forget(self, f.jobs); },
      [self](caf::tick_atom) {
        self->state.retry_armed = false;
        retry_stuck(self);
      },
      [self](caf::timeout_atom) {
        self->state.look_armed = false;
        forget_what_was_kept(self);
      },
      [self](stats_atom) {
        return stats_reply{{{"live", static_cast<int64_t>(self->state.live.size())},
                            {"bytes", self->state.bytes}}};
      },
      [self](waits_atom) { return waits_reply{waits_of(self->state)}; },
  };
}

} // namespace hactor
