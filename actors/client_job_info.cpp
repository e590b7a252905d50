// The documents of a job, for clients: looked up, and watched until the job has ended.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

#include "actors/client_calls.hpp"
#include "actors/job_documents.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

using pointer = connector_state::pointer;

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

/// {"value": text} for one key, {"values": {key: text}} for several.
caf::expected<json> answer(const job_reply& job, const std::vector<std::string>& keys, bool single,
                           bool original, bool decode) {
  auto values = json::object();
  for (auto& key : keys) {
    auto text = job_document(job, key, original);
    if (!text)
      return std::move(text.error());
    json value = std::move(*text);
    if (decode && (key == "jobspec" || key == "R" || key == "record"))
      if (auto object = parse_json(value.get_ref<const std::string&>()))
        value = std::move(*object);
    if (single)
      return json{{"value", std::move(value)}};
    values[key] = std::move(value);
  }
  return json{{"id", to_string(job.summary.id)}, {"values", std::move(values)}};
}

/// The lines of a log that were not shown. It grows as a rule; that of the execution is made anew
/// of what is known, and what a retry or the end of a slow node changes comes as further lines.
std::string lines_beyond(const std::string& text, const std::string& shown) {
  if (text.starts_with(shown))
    return text.substr(shown.size());
  auto each_line = [](std::string_view rest, auto use) {
    while (!rest.empty()) {
      auto line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
      use(line);
      rest.remove_prefix(line.size());
    }
  };
  std::unordered_set<std::string_view> known;
  each_line(shown, [&](auto line) { known.insert(line); });
  std::string fresh;
  each_line(text, [&](auto line) {
    if (known.count(line) == 0)
      fresh += line;
  });
  return fresh;
}

/// Sends the document unless the client has this text already; ends the stream with its job.
void show_document(pointer self, uint64_t number, const job_reply& job, bool over) {
  auto& st = self->state;
  auto it = st.streams.find(number);
  if (it == st.streams.end())
    return; // the client has gone
  auto& s = it->second;
  auto text = job_document(job, s.event_name, false);
  if (!text && over && s.shown.empty())
    return fail_stream(self, number, text.error());
  if (text && s.event_name.ends_with("eventlog")) {
    if (auto fresh = lines_beyond(*text, s.shown); !fresh.empty()) {
      s.shown += fresh;
      st.send(s.session, client_frame_kind::lines, s.tag, std::move(fresh));
    }
  } else if (text && *text != s.shown) {
    st.send(s.session, client_frame_kind::item, s.tag, dump({{"value", *text}}));
    s.shown = std::move(*text);
  }
  if (!over && s.follows)
    return;
  st.reply(s.session, s.tag, json::object());
  if (over)
    st.close_stream(number);
  else
    abandon_stream(self, number);
}

} // namespace

void job_info(const client_call& c, client_params& p) {
  auto id = p.id("id");
  auto single = !p.has("keys");
  auto keys = single ? std::vector{p.text("key")} : p.texts("keys");
  auto original = p.flag("original", false);
  auto decode = p.flag("decode", false);
  if (refused(c, p))
    return;
  with_lead(c, [=](const rank_services& lead) {
    c.self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline, job_request{id})
      .then(
        [=](const job_reply& job) {
          auto reply = answer(job, keys, single, original, decode);
          if (reply)
            c.self->state.reply(c.session, c.tag, *reply);
          else
            c.self->state.fail(c.session, c.tag, reply.error());
        },
        fail_call(c));
  });
}

void watch_document(pointer self, uint64_t number, const std::vector<job_event>& events) {
  auto& s = self->state.streams.at(number);
  auto over = !events.empty() && events.back().after == job_state::inactive;
  auto is_news = s.event_count != 0 // the first of all: what there is now
                 || events.empty()  // something that is no event
                 || std::any_of(events.begin(), events.end(),
                                [&s](auto& e) { return changes_document(s.event_name, e.kind); });
  s.event_count = 0;
  if (!over && !is_news)
    return;
  auto fail = [self, number](const caf::error& e) { fail_stream(self, number, e); };
  with_lead(
    self,
    [self, number, id = s.id, over, fail](const rank_services& lead) {
      self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline, job_request{id})
        .then([self, number, over](
                const job_reply& job) { show_document(self, number, job, over); },
              fail);
    },
    fail);
}

} // namespace hactor
