// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_spec.hpp"

#include <csignal>

#include <fmt/format.h>

#include "actors/job_files.hpp"
#include "actors/launch_plan.hpp"
#include "actors/templates.hpp"
#include "graph/jobspec.hpp"
#include "runtime/json.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

/// shell.options.signal, as Flux writes it: which signal, how long before the limit.
caf::error read_warning(const json& options, job_spec& to) {
  auto at = options.is_object() ? options.find("signal") : options.end();
  if (at == options.end() || *at == false || *at == 0)
    return {};
  auto plain = *at == true || *at == 1; // as --setopt without a value has it
  auto signum = at->is_object() ? at->value("signum", json(SIGUSR1)) : json{};
  auto left = at->is_object() ? at->value("timeleft", json(60)) : json{};
  auto script = at->is_object() ? at->value("script", json(false)) : json(false);
  if (plain) {
    signum = SIGUSR1;
    left = 60;
  }
  if (!signum.is_number_integer() || signum < 1 || signum > 64 || !left.is_number()
      || !(left.get<double>() > 0) || !script.is_boolean())
    return make_error(ec::bad_jobspec,
                      "attributes.system.shell.options.signal: must be 1, or a mapping with signum "
                      "(1 to 64), timeleft (seconds above 0) and script (true or false), found "
                          + dump(*at));
  to.warn_signal = signum.get<int32_t>();
  to.warn_before_s = left.get<double>();
  to.warn_script = script.get<bool>();
  return {};
}

caf::error bad_key(const char* key, const char* wanted, const json& found) {
  return make_error(ec::bad_jobspec, fmt::format("attributes.system.{}: must be {}, found {}", key,
                                                 wanted, dump(found)));
}

/// A number, or {count, delay?, node?, exit?, codes?}.
caf::error read_retries(const json& rest, job_spec& to) {
  auto at = rest.is_object() ? rest.find("retries") : rest.end();
  if (at == rest.end())
    return {};
  constexpr auto wanted = "a number, or a mapping with count, delay (seconds), node and exit "
                          "(true or false), codes (exit codes 1 to 255), avoid-last-node (true or "
                          "false)";
  auto whole = at->is_object() ? *at : json{{"count", *at}};
  auto count = whole.value("count", json{});
  auto delay = whole.value("delay", json(0));
  auto node = whole.value("node", json(true)), on_exit = whole.value("exit", json(true));
  auto codes = whole.value("codes", json(""));
  auto elsewhere = whole.value("avoid-last-node", json(false));
  if (!count.is_number_integer() || count < 0 || count > limits::retries_max || !delay.is_number()
      || delay < 0 || !node.is_boolean() || !on_exit.is_boolean() || !codes.is_string()
      || !elsewhere.is_boolean())
    return bad_key("retries", wanted, *at);
  retry_rule r;
  r.count = count.get<uint32_t>();
  r.delay_s = delay.get<double>();
  r.on_node = node.get<bool>();
  r.on_exit = on_exit.get<bool>();
  r.elsewhere = elsewhere.get<bool>();
  auto set = idset::parse(codes.get_ref<const std::string&>());
  if (!set || (!set->empty() && set->last() > 255))
    return bad_key("retries", wanted, *at);
  r.codes = std::move(*set);
  if (r.count > 0)
    to.retries = std::make_shared<const retry_rule>(std::move(r));
  return {};
}

caf::error read_fail_limit(const json& rest, job_spec& to) {
  auto at = rest.is_object() ? rest.find("max-fails") : rest.end();
  if (at == rest.end())
    return {};
  auto count = at->is_object() ? at->value("count", json{}) : json{};
  auto group = at->is_object() ? at->value("group", json{}) : json{};
  if (!count.is_number_integer() || count < 1 || count > limits::jobs_per_request_max
      || !group.is_string() || group == "")
    return bad_key("max-fails", "a mapping with count (1 or more) and group (a word of your own)",
                   *at);
  to.max_fails = std::make_shared<const fail_limit>(
      fail_limit{count.get<uint32_t>(), group.get<std::string>()});
  return {};
}

/// Of whatever else stands under this name no array is made: it is no word of RFC 14.
void read_array(const json& rest, job_spec& to) {
  auto at = rest.is_object() ? rest.find("array") : rest.end();
  if (at == rest.end() || !at->is_string())
    return;
  auto values = idset::parse(at->get_ref<const std::string&>());
  if (values && !values->empty())
    to.array = std::make_shared<const idset>(std::move(*values));
}

} // namespace

spec_environment::spec_environment(std::string object)
  : text(std::move(object)),
    hash(hash_of_spec(text)),
    stored_line(link_to_spec(hash)) {}

std::string job_spec::stored() const {
  std::string result;
  result.reserve(text.size() + (environment ? environment->stored_line.size() : 0));
  result = text;
  if (environment)
    result += environment->stored_line;
  return result;
}

const std::string& job_spec::environment_text() const {
  static const std::string none;
  return environment ? environment->text : none;
}

spec_hash job_spec::environment_hash() const {
  return environment ? environment->hash : spec_hash{};
}

job_spec job_spec::with_text(const std::string& canonical) const {
  job_spec s;
  s.text = canonical;
  s.environment = environment;
  s.hash = hash_of_spec(s.stored());
  s.name = name;
  s.queue = queue;
  s.cwd = cwd;
  s.bank = bank;
  s.project = project;
  s.ntasks = ntasks;
  s.ncores = ncores;
  s.nnodes = nnodes;
  s.duration_s = duration_s;
  s.warn_signal = warn_signal;
  s.warn_before_s = warn_before_s;
  s.warn_script = warn_script;
  s.memory_bytes = memory_bytes;
  s.dependencies = dependencies;
  s.retries = retries;
  s.max_fails = max_fails;
  s.array = array;
  s.is_child = is_child;
  s.request = request;
  return s;
}

caf::expected<job_spec> make_job_spec(std::string text, const jobspec& parsed,
                                      spec_environment_ptr environment) {
  auto request = compile_request(parsed);
  if (!request)
    return std::move(request.error());
  auto dependencies =
      read_dependencies(parsed.system.dependencies, !parsed.system.job_name.empty());
  if (!dependencies)
    return std::move(dependencies.error());
  job_spec s;
  s.text = std::move(text);
  s.environment = std::move(environment);
  s.hash = hash_of_spec(s.stored());
  s.name = job_name_of(parsed);
  s.queue = parsed.system.queue;
  s.cwd = parsed.system.cwd;
  s.ntasks = static_cast<uint32_t>(least_tasks(*request));
  s.ncores = static_cast<uint32_t>(request->ncores);
  s.nnodes = request->nnodes;
  s.duration_s = request->duration_s;
  s.dependencies = std::move(*dependencies);
  for (auto [key, to] : {std::pair{"bank", &s.bank}, std::pair{"project", &s.project}})
    if (auto* text = find_json(parsed.system.rest, key); text != nullptr && text->is_string())
      *to = text->get<std::string>();
  if (auto* child = find_json(parsed.system.rest, "child"); child != nullptr)
    s.is_child = *child == true;
  if (auto e = read_warning(parsed.system.shell_options, s))
    return e;
  auto memory = read_memory_limits(parsed.system.shell_options);
  if (!memory)
    return std::move(memory.error());
  // On a node there is a slot at least.
  s.memory_bytes = memory->on(std::max<uint64_t>(request->cores_per_slot, 1));
  if (auto* files = find_json(parsed.system.rest, "files"); files != nullptr)
    if (auto read = read_job_files(*files); !read)
      return std::move(read.error());
  for (auto read : {read_retries, read_fail_limit})
    if (auto e = read(parsed.system.rest, s))
      return e;
  read_array(parsed.system.rest, s);
  s.request = std::make_shared<const resource_request>(std::move(*request));
  return s;
}

caf::expected<job_spec_ptr> with_constraint(const job_spec& spec, const json& more) {
  auto wants = parse_stored(spec.text);
  if (!wants)
    return std::move(wants.error());
  auto& own = wants->system.constraints;
  if (own.is_null())
    own = more;
  else if (auto* all = find_json(own, "and"); all != nullptr && own.size() == 1)
    own["and"].push_back(more); // or it would be nested more deeply each time
  else
    own = json{{"and", json::array({own, more})}};
  auto made = make_job_spec(canonical_json(*wants), *wants, spec.environment);
  if (!made)
    return std::move(made.error());
  if (auto e = check_stored_size(*made))
    return e;
  return std::make_shared<const job_spec>(std::move(*made));
}

caf::error check_stored_size(const job_spec& spec) {
  if (spec.text.size() <= limits::stored_jobspec_bytes_max)
    return {};
  return make_error(ec::too_big,
                    fmt::format("the jobspec has {} bytes with its array, what it waits for and "
                                "where it may run; at most {}",
                                spec.text.size(), limits::stored_jobspec_bytes_max));
}

caf::expected<jobspec> parse_stored(std::string_view text) {
  return parse_jobspec(text, limits::stored_jobspec_bytes_max);
}

caf::expected<job_spec> as_array(const job_spec& spec, const idset& values) {
  auto document = parse_json(spec.text);
  if (!document)
    return std::move(document.error());
  (*document)["attributes"]["system"]["array"] = values.to_string();
  auto s = spec.with_text(dump(*document));
  s.name = spec.name;
  s.array = std::make_shared<const idset>(values);
  return s;
}

namespace {

/// How many values of the set are less; nothing when the set has no such value.
std::optional<int64_t> place_of(const idset& values, int64_t value) {
  int64_t place = 0;
  for (auto& run : values.runs()) {
    if (value >= run.first && value <= run.last)
      return place + value - run.first;
    place += int64_t{run.last} - run.first + 1;
  }
  return std::nullopt;
}

} // namespace

job_id array_of(job_id id, const idset& values, int64_t cc) {
  auto place = place_of(values, cc);
  return place ? neighbour_of(id, -*place).value_or(id) : id;
}

std::optional<job_id> job_in_array(job_id first, const idset& values, int64_t cc) {
  auto place = place_of(values, cc);
  return place ? neighbour_of(first, *place) : std::nullopt;
}

job_id target_of(const condition& c, int64_t cc) {
  return c.array ? job_in_array(c.target, *c.array, cc).value_or(job_id{}) : c.target;
}

uint64_t name_label(uint32_t userid, const std::string& name) {
  return std::max<uint64_t>(hash_of_spec(std::to_string(userid) + "/" + name).low, 1);
}

caf::error warns_in_vain(const job_spec& spec, double ends) {
  if (spec.warn_signal == 0 || spec.duration_s > 0 || ends > 0)
    return {};
  return make_error(ec::bad_jobspec, "--signal needs --time-limit: it warns before that");
}

stored_spec split_stored(std::string_view stored) {
  return {stored.substr(0, stored.find('\n')), linked_spec(stored)}; // JSON text has no newline
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
                                               const std::string& environment) {
  job_spec wanted;
  wanted.text = text;
  wanted.environment = this->environment(environment);
  auto hash = hash_of_spec(wanted.stored());
  {
    std::lock_guard guard{mutex_};
    if (auto it = known_.find(hash); it != known_.end())
      if (auto known = it->second.lock())
        return known;
  }
  auto parsed = parse_stored(text);
  if (!parsed)
    return std::move(parsed.error());
  auto made = make_job_spec(text, *parsed, std::move(wanted.environment));
  if (!made)
    return std::move(made.error());
  return share(std::move(*made));
}

caf::expected<job_spec_ptr> spec_cache::intern(const sent_spec& spec) {
  if (spec.here)
    return spec.here;
  return intern(spec.text, spec.environment);
}

job_spec_ptr spec_cache::share(job_spec&& spec) {
  std::lock_guard guard{mutex_};
  if (known_.size() >= sweep_at_) {
    std::erase_if(known_, [](const auto& kv) { return kv.second.expired(); });
    sweep_at_ = known_.size() * 2 + 1024;
  }
  auto& known = known_[spec.hash];
  auto result = known.lock();
  if (!result) {
    result = std::make_shared<const job_spec>(std::move(spec));
    known = result;
  }
  return result;
}

spec_environment_ptr spec_cache::environment(const std::string& text) {
  if (text.empty())
    return nullptr;
  std::lock_guard guard{mutex_};
  if (!last_environment_ || last_environment_->text != text)
    last_environment_ = std::make_shared<const spec_environment>(text);
  return last_environment_;
}

std::pair<const std::string&, const std::string&> texts_of(const job_spec& spec) {
  return {spec.text, spec.environment_text()};
}

std::string fill_cc(std::string text, int64_t cc) {
  if (cc < 0)
    return text;
  for (size_t at = 0; (at = text.find("{cc", at)) != text.npos;) {
    auto place = cc_place_at(std::string_view{text}.substr(at));
    auto value = place ? std::to_string(cc + place->offset) : std::string{};
    if (place)
      text.replace(at, place->size, value);
    at += place ? value.size() : 1;
  }
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
