// The messages of workflow.hpp as requests of the client protocol, and their answers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include "workflow/client.hpp"
#include "workflow/instance.hpp"

namespace hactor::workflow {

namespace {

using pointer = instance_state::pointer;

job_outcome outcome_named(const std::string& name) {
  constexpr std::pair<std::string_view, job_outcome> names[] = {
      {"COMPLETED", job_outcome::completed},
      {"FAILED", job_outcome::failed},
      {"CANCELED", job_outcome::canceled},
      {"TIMEOUT", job_outcome::timeout},
      {"NODE_FAILED", job_outcome::node_failed}};
  for (auto& [text, outcome] : names)
    if (text == name)
      return outcome;
  return job_outcome::none;
}

job_result read_result(const json& job) {
  return {text_at(job, "id"), outcome_named(text_at(job, "result")),
          static_cast<int32_t>(number_at(job, "status")), text_at(job, "note")};
}

job_info read_info(const json& job) {
  auto count = [&](const char* key) { return static_cast<uint32_t>(number_at(job, key)); };
  job_info x;
  x.id = text_at(job, "id");
  x.name = text_at(job, "name");
  x.queue = text_at(job, "queue");
  x.state = state_named(text_at(job, "state"));
  x.result = read_result(job);
  x.urgency = static_cast<int32_t>(number_at(job, "urgency"));
  x.tasks = count("ntasks");
  x.cores = count("ncores");
  x.nodes = count("nnodes");
  x.submitted_s = number_at(job, "t_submit");
  x.started_s = number_at(job, "t_run");
  x.ended_s = number_at(job, "t_inactive");
  x.nodelist = text_at(job, "nodelist");
  return x;
}

void append_jobs(std::vector<job_info>& to, const json& object) {
  if (auto& jobs = object_at(object, "jobs"); jobs.is_array())
    for (auto& job : jobs)
      to.push_back(read_info(job));
}

/// Asks, and answers who asked us with what `read` makes of the answer.
template <class Reply, class Read>
caf::result<Reply> pass_on(pointer self, std::string text, bool again, Read read) {
  auto promise = self->make_response_promise<Reply>();
  self->state.ask(std::move(text), again,
                  [promise, read = std::move(read)](caf::expected<json> answer) mutable {
                    if (answer)
                      promise.deliver(read(*answer));
                    else
                      promise.deliver(std::move(answer.error()));
                  });
  return promise;
}

count_reply read_count(const json& answer) {
  return {static_cast<uint64_t>(number_at(answer, "count"))};
}

caf::result<submit_reply> submit(pointer self, const submit_request& r) {
  if (r.jobs.empty())
    return submit_reply{};
  std::string text = "{\"jobs\":[";
  for (size_t i = 0; i < r.jobs.size(); ++i) {
    if (i > 0)
      text += ',';
    if (auto e = self->state.writer->append(text, r.jobs[i]))
      return make_error(code_of(e), "jobs[" + std::to_string(i) + "]: " + render(e));
  }
  return pass_on<submit_reply>(self, request_text("submit", text + "]}"), false,
                               [](const json& answer) {
                                 submit_reply x;
                                 if (auto& ids = object_at(answer, "ids"); ids.is_array())
                                   for (auto& id : ids)
                                     if (id.is_string())
                                       x.ids.push_back(id.get<std::string>());
                                 return x;
                               });
}

caf::result<list_reply> list(pointer self, const list_request& r) {
  json params{{"states", r.states}, {"max", r.max}};
  if (!r.ids.empty())
    params["ids"] = r.ids;
  if (!r.name.empty())
    params["name"] = r.name;
  auto promise = self->make_response_promise<list_reply>();
  auto found = std::make_shared<list_reply>();
  self->state.ask(
      request_text("job.list", dump(params)), false,
      [promise, found](caf::expected<json> answer) mutable {
        if (answer) {
          append_jobs(found->jobs, *answer);
          promise.deliver(std::move(*found));
        } else {
          promise.deliver(std::move(answer.error()));
        }
      },
      [found](frame_kind, std::string_view payload) {
        if (auto part = parse_object(payload))
          append_jobs(found->jobs, *part);
      });
  return promise;
}

// -- output ---------------------------------------------------------------------------------------

struct reading {
  output_reply found;
  uint64_t tag = 0;
};

void take_output(reading& r, uint64_t max_bytes, std::string_view payload) {
  auto part = read_output(payload);
  if (!part)
    return;
  auto& to = part->stream == 2 ? r.found.err : r.found.out;
  auto room = static_cast<size_t>(max_bytes) - std::min<size_t>(to.size(), max_bytes);
  to += part->bytes.substr(0, room);
  r.found.truncated = r.found.truncated || part->bytes.size() > room;
}

/// A broker was lost with what tasks had written there.
void take_warning(reading& r, std::string_view payload) {
  auto item = parse_object(payload);
  auto warning = item ? text_at(*item, "warning") : std::string{};
  if (!warning.empty())
    r.found.lost += (r.found.lost.empty() ? "" : "; ") + warning;
}

caf::result<output_reply> read(pointer self, const output_request& r) {
  auto promise = self->make_response_promise<output_reply>();
  auto state = std::make_shared<reading>();
  auto on_end = [promise, state](caf::expected<json> answer) mutable {
    if (answer) {
      state->found.result = read_result(*answer);
      promise.deliver(std::move(state->found));
    } else {
      promise.deliver(std::move(answer.error()));
    }
  };
  auto on_part = [self, state, on_end, id = r.id, max = r.max_bytes](frame_kind kind,
                                                                     std::string_view payload) {
    if (kind == frame_kind::item)
      take_warning(*state, payload);
    if (kind != frame_kind::output)
      return;
    take_output(*state, max, payload);
    if (!state->found.truncated)
      return;
    // The rest is not wanted, only the end.
    auto& st = self->state;
    st.requests.erase(state->tag);
    st.control.socket->send(static_cast<uint8_t>(frame_kind::cancel), state->tag, {});
    st.ask(request_text("job.wait", dump({{"id", id}})), true, on_end);
  };
  state->tag = self->state.ask(request_text("job.attach", dump({{"id", r.id}, {"stdin", false}})),
                               false, on_end, on_part);
  return promise;
}

} // namespace

instance_service_actor::behavior_type instance_service(pointer self, instance_setup setup) {
  auto& st = self->state;
  st.writer.emplace(std::move(setup.environment), std::move(setup.cwd));
  st.setup = std::move(setup);
  self->set_down_handler([self](caf::down_msg& down) { self->state.on_down(down.source); });
  return {
      [self](const submit_request& r) { return submit(self, r); },
      [self](const cancel_request& r) {
        json params{{"message", r.message}};
        params[r.all ? "all" : "ids"] = r.all ? json(true) : json(r.ids);
        return pass_on<count_reply>(self, request_text("job.cancel", dump(params)), false,
                                    read_count);
      },
      [self](const signal_request& r) {
        json params{{"ids", r.ids}, {"signal", r.signal}};
        return pass_on<count_reply>(self, request_text("job.kill", dump(params)), false,
                                    read_count);
      },
      [self](const wait_request& r) {
        return pass_on<job_result>(self, request_text("job.wait", dump({{"id", r.id}})), true,
                                   read_result);
      },
      [self](const wait_any_request&) {
        return pass_on<job_result>(
            self, request_text("job.wait-any", "{}"), true, [](const json& answer) {
              auto& jobs = object_at(answer, "jobs");
              return jobs.is_array() && !jobs.empty() ? read_result(jobs[0]) : job_result{};
            });
      },
      [self](const list_request& r) { return list(self, r); },
      [self](const output_request& r) { return read(self, r); },
      [self](const subscribe_request& r) { return self->state.subscribe(r); },
      [self](const unsubscribe_request& r) { self->state.drop(r.subscription); },
      [self](const shutdown_request&) {
        return pass_on<count_reply>(self, request_text("shutdown", "{}"), false, read_count);
      },
      [self](const line_frame& f) { self->state.on_frame(f); },
      [self](const line_closed& c) { self->state.on_closed(c); },
      [self](caf::tick_atom) { self->state.on_tick(); },
  };
}

} // namespace hactor::workflow
