// See session.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/session.hpp"

#include <csignal>
#include <unordered_map>

#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/ids.hpp"

namespace hactor::tools {

int with_broker(const invocation& call, const std::function<caf::expected<int>(client&)>& body) {
  auto broker = client::connect();
  if (!broker)
    return fail(call, broker.error());
  auto code = body(*broker);
  return code ? *code : fail(call, code.error());
}

caf::expected<std::vector<std::string>> read_ids(std::span<const std::string> texts) {
  std::vector<std::string> ids;
  for (auto& text : texts) {
    auto id = parse_job_id(text);
    if (!id)
      return std::move(id.error());
    ids.push_back(to_string(*id));
  }
  return ids;
}

std::pair<std::vector<std::string>, std::string> split_message(const parsed_options& options) {
  std::vector<std::string> before;
  std::string message;
  bool after = false;
  for (auto& operand : options.operands) {
    if (!after && operand == "--") {
      after = true;
    } else if (after) {
      message += (message.empty() ? "" : " ") + operand;
    } else {
      before.push_back(operand);
    }
  }
  return {std::move(before), std::move(message)};
}

caf::error ask_each(client& broker, std::string_view method, std::span<const std::string> ids,
                    const json& params, double timeout_s, const on_answer& answer,
                    const std::function<void(size_t, const frame&)>& on_frame) {
  std::unordered_map<uint64_t, size_t> open;
  for (size_t i = 0; i < ids.size(); ++i) {
    auto all = params;
    all["id"] = ids[i];
    open.emplace(broker.request(method, all), i);
  }
  auto deadline_s = static_cast<double>(steady_ns()) / 1e9 + timeout_s;
  while (!open.empty()) {
    double left_s = 0;
    if (timeout_s > 0)
      left_s = std::max(1e-3, deadline_s - static_cast<double>(steady_ns()) / 1e9);
    auto f = broker.receive(left_s);
    if (!f)
      return std::move(f.error());
    auto found = open.find(f->tag);
    if (found == open.end())
      continue;
    auto index = found->second;
    if (f->kind == frame_kind::reply || f->kind == frame_kind::error) {
      open.erase(found);
      if (!answer(index, result_of(*f)))
        return {};
    } else if (on_frame) {
      on_frame(index, *f);
    }
  }
  return {};
}

caf::expected<int> print_lines(client& broker, std::string_view method, const json& params,
                               const std::function<std::string(std::string_view)>& change) {
  broker.watch_output();
  auto result = broker.ask(method, params, 0, [&](const frame& f) {
    if (f.kind != frame_kind::lines)
      return;
    if (!change) {
      print(f.payload);
    } else {
      std::string_view rest = f.payload;
      while (!rest.empty()) {
        auto end = std::min(rest.find('\n'), rest.size());
        if (auto text = change(rest.substr(0, end)); !text.empty())
          print_line(std::move(text));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    flush_output();
  });
  if (!result && broker.output_closed()) {
    ::raise(SIGPIPE); // as the next line that is written would have done
    return 128 + SIGPIPE;
  }
  if (!result)
    return std::move(result.error());
  return exit_ok;
}

caf::expected<double> duration_option(const parsed_options& options, std::string_view name,
                                      double otherwise) {
  if (!options.has(name))
    return otherwise;
  auto seconds = parse_fsd(options.value(name));
  if (!seconds)
    return make_error(ec::bad_argument, "--" + std::string{name} + ": " + render(seconds.error()));
  return seconds;
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> words;
  for (size_t start = 0; start <= text.size();) {
    auto end = std::min(text.find(',', start), text.size());
    words.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

double now_s() { return static_cast<double>(wall_ns()) / 1e9; }

} // namespace hactor::tools
