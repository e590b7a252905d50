// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/spec_reader.hpp"

#include <algorithm>
#include <cmath>

#include "actors/shell_options.hpp"
#include "runtime/json_scan.hpp"

namespace hactor {

namespace {

/// How many texts are remembered: an ensemble submits jobs of a few kinds. And how large ones.
constexpr size_t samples_max = 32;
constexpr size_t sample_bytes_max = 64u << 10;

std::string_view command_in(std::string_view text) {
  json_scan scan{text};
  std::string_view found;
  size_t tasks = 0;
  auto task = [&](std::string_view key) {
    scan.next();
    auto begin = scan.at();
    if (!scan.value())
      return false;
    if (key == "command")
      found = scan.since(begin);
    return true;
  };
  auto whole = scan.members([&](std::string_view key) {
    if (key != "tasks")
      return scan.value();
    return scan.elements([&] {
      ++tasks;
      return scan.members(task);
    });
  });
  return whole && scan.at_end() && tasks == 1 ? found : std::string_view{};
}

/// True when `list` is a list of words that all are plain ASCII without escapes, and the first is
/// not empty. Appends its canonical text to `out`, and sets `program` to the first word.
bool append_words(std::string& out, std::string_view list, std::string_view& program) {
  json_scan scan{list};
  size_t count = 0;
  out += '[';
  auto whole = scan.elements([&] {
    std::string_view word;
    if (!scan.plain_string(word)
        || !std::all_of(word.begin(), word.end(), [](char c) { return c >= ' ' && c <= '~'; }))
      return false;
    if (count++ == 0)
      program = word;
    else
      out += ',';
    out.append(1, '"').append(word).append(1, '"');
    return true;
  });
  out += ']';
  return whole && scan.at_end() && !program.empty();
}

} // namespace

std::string_view find_command(std::string_view text) { return command_in(text); }

caf::expected<job_spec_ptr> spec_reader::read(std::string_view text) {
  for (auto it = samples_.begin(); it != samples_.end(); ++it) {
    auto spec = it->text == text ? it->spec : read_like(*it, text);
    if (!spec)
      continue;
    samples_.splice(samples_.begin(), samples_, it);
    return spec;
  }
  jobspec parsed;
  auto parts = separate_environment(text, &parsed);
  if (!parts)
    return std::move(parts.error());
  if (auto e = add_defaults(parts->text, parsed))
    return e;
  auto made =
      make_job_spec(std::move(parts->text), parsed, specs_->environment(parts->environment));
  if (!made)
    return std::move(made.error());
  if (auto e = check_shell_options(parsed, *made->request))
    return e;
  auto spec = specs_->share(std::move(*made));
  remember(text, parsed, spec);
  return spec;
}

/// Writes down what the instance has for jobspecs that do not say: its own default time limit.
caf::error spec_reader::add_defaults(std::string& canonical, jobspec& parsed) const {
  if (parsed.system.duration || duration_s_ <= 0 || std::isinf(duration_s_))
    return {};
  auto spec = parse_json(canonical);
  if (!spec)
    return std::move(spec.error());
  parsed.system.duration = duration_s_;
  auto& duration = (*spec)["attributes"]["system"]["duration"];
  if (duration_s_ == std::floor(duration_s_) && duration_s_ < 1e15) // as whoever submits has it
    duration = static_cast<int64_t>(duration_s_);
  else
    duration = duration_s_;
  canonical = dump(*spec);
  return {};
}

/// The spec of a text that differs from the sample in its command only; else null.
job_spec_ptr spec_reader::read_like(const sample& s, std::string_view text) {
  if (s.before == 0 || text.size() < s.before + s.after || text.size() > sample_bytes_max)
    return nullptr;
  auto end = text.size() - s.after;
  std::string_view like = s.text;
  if (text.substr(0, s.before) != like.substr(0, s.before)
      || text.substr(end) != like.substr(like.size() - s.after))
    return nullptr;
  std::string_view program;
  stored_ = s.spec_before;
  if (!append_words(stored_, text.substr(s.before, end - s.before), program))
    return nullptr;
  stored_ += s.spec_after;
  job_spec spec = s.spec->with_text(stored_);
  if (!s.named)
    spec.name = program_name(program);
  return specs_->share(std::move(spec));
}

void spec_reader::remember(std::string_view text, const jobspec& parsed, job_spec_ptr spec) {
  if (text.size() > sample_bytes_max)
    return;
  sample s;
  s.text = text;
  s.named = !parsed.system.job_name.empty();
  std::string_view kept = s.text, canonical = spec->text;
  auto command = command_in(kept), words = command_in(canonical);
  if (!command.empty() && !words.empty()) {
    s.before = static_cast<size_t>(command.data() - kept.data());
    s.after = kept.size() - s.before - command.size();
    auto at = static_cast<size_t>(words.data() - canonical.data());
    s.spec_before = canonical.substr(0, at);
    s.spec_after = canonical.substr(at + words.size());
  }
  s.spec = std::move(spec);
  samples_.push_front(std::move(s));
  if (samples_.size() > samples_max)
    samples_.pop_back();
}

} // namespace hactor
