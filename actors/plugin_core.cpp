// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/plugin_core.hpp"

#include <utility>

#include <fmt/format.h>

#include "runtime/duration.hpp"

namespace hactor {

std::string plugin_core::who() const {
  return plugin_.empty()  ? std::string{"the process of its plugins"}
         : topic_.empty() ? plugin_
                          : fmt::format("plugin {}, topic {}", plugin_, topic_);
}

void plugin_core::fail(const std::string& why, effects& out) {
  if (!given_up_ && out.failure.empty())
    out.failure = fmt::format("{}: {}", who(), why);
}

void plugin_core::ask(int64_t now_ns, plugin_word&& word, effects& out) {
  if (over_ || given_up_ || finishing_)
    return;
  if (asked_++ == 0)
    give_time(now_ns);
  out.words.push_back(std::move(word));
}

void plugin_core::begin(int64_t now_ns, const plugin_job& job, effects& out) {
  ask(now_ns, {plugin_kind::job, 0, 0, {}, pack_job(job)}, out);
}

void plugin_core::prepare(int64_t now_ns, const plugin_tasks& tasks, effects& out) {
  ask(now_ns, {plugin_kind::prepare, 0, 0, {}, pack_tasks(tasks)}, out);
}

void plugin_core::on_forked(int64_t now_ns, uint32_t rank, int32_t pid, effects& out) {
  ask(now_ns, {plugin_kind::forked, rank, pid}, out);
}

void plugin_core::on_started(int64_t now_ns, effects& out) {
  ask(now_ns, {plugin_kind::started}, out);
}

void plugin_core::on_exited(int64_t now_ns, uint32_t rank, int32_t status, effects& out) {
  ask(now_ns, {plugin_kind::exited, rank, status}, out);
}

void plugin_core::finish(int64_t now_ns, effects& out) {
  ask(now_ns, {plugin_kind::finish}, out);
  finishing_ = true;
}

void plugin_core::on_bytes(int64_t now_ns, std::string_view bytes, effects& out) {
  heard_ns_ = now_ns;
  reader_.add(bytes);
  while (auto word = reader_.next())
    on_word(now_ns, *word, out);
  if (reader_.broken() && !given_up_) {
    fail("what it writes to descriptor 3 means nothing", out);
    give_up(out);
  }
}

void plugin_core::on_word(int64_t now_ns, plugin_word& word, effects& out) {
  auto answered = [&] {
    asked_ -= asked_ > 0;
    give_time(now_ns);
  };
  switch (word.kind) {
  case plugin_kind::ready:
    answered();
    out.ready = std::move(word.bytes);
    break;
  case plugin_kind::prepared:
    answered();
    out.prepared = unpack_changes(word.bytes);
    if (!out.prepared) {
      fail("what it wants of the tasks means nothing", out);
      give_up(out);
    }
    break;
  case plugin_kind::done:
    answered();
    break;
  case plugin_kind::at: // each call of each plugin has its time
    give_time(now_ns);
    plugin_ = std::move(word.text);
    topic_ = std::move(word.bytes);
    break;
  case plugin_kind::log:
  case plugin_kind::output:
    out.said.push_back(std::move(word));
    break;
  case plugin_kind::failed:
    fail(word.text, out);
    break;
  default:
    break; // of ours
  }
}

void plugin_core::on_gone(const std::string& how, bool well, effects& out) {
  if (std::exchange(over_, true))
    return;
  auto expected = well && finishing_ && asked_ == 0;
  asked_ = 0;
  if (!expected)
    fail(how, out);
}

void plugin_core::on_deadline(int64_t now_ns, bool behind, effects& out) {
  if (!is_awaited() || now_ns < deadline_ns_)
    return;
  if (behind && now_ns - heard_ns_ > patience_ns_ / 2)
    return give_time(now_ns);
  if (behind && !std::exchange(looks_again_, true)) {
    deadline_ns_ = now_ns + patience_ns_ / 2 + 1; // it was heard just before it had to wait
    return;
  }
  fail(fmt::format("has not {} within {}", asked_ > 0 ? "returned" : "let the process end",
                   format_fsd(static_cast<double>(patience_ns_) / 1e9)),
       out);
  give_up(out);
}

void plugin_core::give_time(int64_t now_ns) {
  deadline_ns_ = now_ns + patience_ns_;
  looks_again_ = false;
}

void plugin_core::give_up(effects& out) {
  if (over_)
    return;
  given_up_ = true;
  asked_ = 0;
  out.kill = true;
}

} // namespace hactor
