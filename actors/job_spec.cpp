// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_spec.hpp"

#include <fmt/format.h>

#include "graph/jobspec.hpp"
#include "runtime/json.hpp"

namespace hactor {

namespace {

// The stored form is the JSON text, which has no newline, and a second line naming the environment.
constexpr std::string_view environment_mark = "\nenv:";

uint32_t task_count(const resource_request& r) {
  switch (r.spread) {
    case task_spread::per_slot: return r.slots * r.task_count;
    case task_spread::total: return r.task_count;
    case task_spread::per_node: return (r.nnodes == 0 ? 1 : r.nnodes) * r.task_count;
    case task_spread::per_core: return static_cast<uint32_t>(r.ncores) * r.task_count;
  }
  return 0;
}

/// Compiles a jobspec of which `text` is the canonical text; what depends on the environment is
/// left to the caller.
caf::expected<job_spec> make_job_spec(const std::string& text, const jobspec& parsed) {
  auto request = compile_request(parsed);
  if (!request)
    return std::move(request.error());
  job_spec s;
  s.text = text;
  s.name = job_name_of(parsed);
  s.queue = parsed.system.queue;
  s.cwd = parsed.system.cwd;
  s.ntasks = task_count(*request);
  s.ncores = static_cast<uint32_t>(request->ncores);
  s.nnodes = request->nnodes;
  s.duration_s = request->duration_s;
  s.has_dependencies =
      !parsed.system.dependencies.is_null() && !parsed.system.dependencies.empty();
  s.request = std::make_shared<const resource_request>(std::move(*request));
  return s;
}

caf::expected<job_spec> parse_job_spec(const std::string& text) {
  auto parsed = parse_jobspec(text);
  if (!parsed)
    return std::move(parsed.error());
  return make_job_spec(text, *parsed);
}

} // namespace

stored_spec split_stored(std::string_view stored) {
  stored_spec r;
  auto at = stored.find(environment_mark);
  r.text = stored.substr(0, at);
  if (at == std::string_view::npos)
    return r;
  auto hex = std::string{stored.substr(at + environment_mark.size())};
  if (hex.size() == 32) {
    r.environment.high = std::strtoull(hex.substr(0, 16).c_str(), nullptr, 16);
    r.environment.low = std::strtoull(hex.substr(16).c_str(), nullptr, 16);
  }
  return r;
}

caf::expected<separated_spec> separate_environment(std::string_view submitted, jobspec* parsed) {
  auto spec = parse_jobspec(submitted);
  if (!spec)
    return std::move(spec.error());
  separated_spec r;
  if (spec->system.environment) {
    auto object = json::object();
    for (auto& [name, value] : *spec->system.environment)
      object[name] = value ? json(*value) : json(nullptr);
    r.environment = dump(object);
    spec->system.environment.reset();
  }
  r.text = canonical_json(*spec);
  if (parsed != nullptr)
    *parsed = std::move(*spec);
  return r;
}

caf::expected<job_spec_ptr> spec_cache::intern(const std::string& text,
                                               const std::string& environment,
                                               const jobspec* parsed) {
  auto stored = text;
  if (!environment.empty()) {
    auto h = hash_of_spec(environment);
    stored += fmt::format("{}{:016x}{:016x}", environment_mark, h.high, h.low);
  }
  auto hash = hash_of_spec(stored);
  std::lock_guard guard{mutex_};
  if (auto known = find(hash))
    return known;
  // The same text without an environment, as the scheduler has it, is parsed already.
  auto bare = environment.empty() ? nullptr : find(hash_of_spec(text));
  auto made = bare     ? caf::expected<job_spec>{*bare}
              : parsed ? make_job_spec(text, *parsed)
                       : parse_job_spec(text);
  if (!made)
    return std::move(made.error());
  made->environment = environment;
  made->stored = std::move(stored);
  made->hash = hash;
  if (!environment.empty())
    made->environment_hash = hash_of_spec(environment);
  if (known_.size() >= sweep_at_) {
    std::erase_if(known_, [](const auto& kv) { return kv.second.expired(); });
    sweep_at_ = known_.size() * 2 + 1024;
  }
  auto result = std::make_shared<const job_spec>(std::move(*made));
  known_[hash] = result;
  return job_spec_ptr{std::move(result)};
}

job_spec_ptr spec_cache::find(const spec_hash& hash) const {
  auto it = known_.find(hash);
  return it == known_.end() ? nullptr : it->second.lock();
}

std::string fill_cc(std::string text, int64_t cc) {
  if (cc < 0)
    return text;
  auto value = std::to_string(cc);
  for (size_t at = 0; (at = text.find("{cc}", at)) != std::string::npos; at += value.size())
    text.replace(at, 4, value);
  return text;
}

std::string restore_jobspec(const std::string& text, const std::string& environment, int64_t cc) {
  if (environment.empty())
    return fill_cc(text, cc);
  auto document = parse_json(fill_cc(text, cc));
  auto variables = parse_json(fill_cc(environment, cc));
  if (!document || !variables)
    return fill_cc(text, cc);
  (*document)["attributes"]["system"]["environment"] = std::move(*variables);
  return dump(*document);
}

} // namespace hactor
