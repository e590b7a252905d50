// hactor bulksubmit: a job for each combination of inputs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <unistd.h>

#include "runtime/limits.hpp"
#include "tools/bulk_inputs.hpp"
#include "tools/commands.hpp"
#include "tools/ending.hpp"
#include "tools/job_fields.hpp"
#include "tools/shell_words.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"
#include "tools/text_file.hpp"
#include "workflow/utf8_words.hpp"

namespace hactor::tools {

namespace {

/// Bytes of jobs in one request: a frame holds more, and the instance works on the first while the
/// next are made.
constexpr size_t request_bytes = 4u << 20;

/// What the options and the command become for each combination of inputs.
class bulk_jobs {
public:
  explicit bulk_jobs(const invocation& call) : call_(call) {}

  caf::error read() {
    auto& o = call_.options;
    for (auto& text : o.all("define"))
      if (auto e = template_.define(text))
        return e;
    auto inputs = read_inputs(o.operands, o.value("sep", "\n"), read_file);
    if (!inputs)
      return std::move(inputs.error());
    inputs_ = std::move(*inputs);
    if (inputs_.count() > limits::jobs_per_request_max * uint64_t{16})
      return make_error(ec::bad_argument, "the inputs make " + std::to_string(inputs_.count())
                                              + " jobs; at most "
                                              + std::to_string(limits::jobs_per_request_max * 16));
    for (uint64_t i = 0; i < inputs_.count(); ++i)
      order_.push_back(i);
    if (o.has("shuffle"))
      std::shuffle(order_.begin(), order_.end(), std::mt19937_64{std::random_device{}()});
    filled_ = o;
    copied_ = o.has("cc") || o.has("bcc");
    for (auto& [option, value] : o.values)
      varied_ = varied_ || bulk_template::has_fields(value);
    return {};
  }

  size_t size() const { return order_.size(); }

  /// Fills options() and command() for the job in this place. Errors: as bulk_template::fill.
  caf::error fill(size_t place) {
    inputs_.pick(order_[place], picked_);
    command_.clear();
    if (inputs_.command.empty()) {
      std::string line;
      for (auto& input : picked_)
        (line += line.empty() ? "" : " ") += input;
      auto words = split_words(line);
      if (!words)
        return std::move(words.error());
      for (auto& word : *words)
        command_.push_back(std::move(word.text));
      if (command_.empty())
        return make_error(ec::bad_argument, "'" + line + "' is no command");
    }
    for (auto& word : inputs_.command)
      if (auto e = fill(word, place, command_.emplace_back()))
        return e;
    auto& values = call_.options.values;
    for (size_t i = 0; varied_ && i < values.size(); ++i)
      if (auto e = fill(values[i].second, place, filled_.values[i].second))
        return e;
    return {};
  }

  const std::vector<std::string>& command() const { return command_; }

  /// The options with this job's values in them, and its command as operands.
  const parsed_options& options() {
    filled_.operands = command_;
    return filled_;
  }

  /// The parameters of the submit request for the job that was filled in. Errors: as build_copies.
  caf::expected<json> build(const environment_map& own, const std::string& cwd) {
    return build_copies(options(), [&](auto& o) { return build_submit(o, own, cwd); });
  }

  /// Are the options the same for all jobs?
  bool is_uniform() const { return !varied_; }

private:
  caf::error fill(const std::string& text, size_t place, std::string& to) {
    auto filled = template_.fill(text, picked_, place);
    if (!filled)
      return std::move(filled.error());
    to = std::move(*filled);
    for (size_t at = 0; !copied_ && (at = to.find("{cc}", at)) != to.npos;)
      to.erase(at, 4);
    return {};
  }

  const invocation& call_;
  bulk_template template_;
  bulk_inputs inputs_;
  std::vector<uint64_t> order_;
  bool varied_ = false;
  bool copied_ = false; // each job is of a --cc, which replaces {cc}
  parsed_options filled_;
  std::vector<std::string_view> picked_;
  std::vector<std::string> command_;
};

/// The words of a command line, quoted where they need it.
std::string quoted(const std::vector<std::string>& words) {
  std::string line;
  for (auto& word : words) {
    line += line.empty() ? "" : " ";
    auto plain =
        !word.empty() && word.find_first_of(" \t\n'\"\\$`;&|<>()*?#~") == std::string::npos;
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (auto c : word)
      line += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
    line += '\'';
  }
  return line;
}

/// What would be submitted, a line each, as a 'submit' that is typed.
caf::error print_commands(bulk_jobs& jobs) {
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (auto e = jobs.fill(i))
      return e;
    std::vector<std::string> words;
    for (auto& [option, value] : jobs.options().values) {
      std::string_view name = option->name;
      if (name == "dry-run" || name == "define" || name == "shuffle" || name == "sep")
        continue;
      auto text = option->letter != 0 ? std::string{'-', option->letter}
                                      : "--" + std::string{name} + (option->argument ? "=" : "");
      words.push_back(text + value);
    }
    words.insert(words.end(), jobs.command().begin(), jobs.command().end());
    print_line("bulksubmit: submit " + quoted(words));
  }
  return {};
}

/// Is the command the only one of the job, as it was typed?
bool runs(const json& params, const std::vector<std::string>& command) {
  auto& tasks = object_at(object_at(params, "jobspec"), "tasks");
  return tasks.is_array() && tasks.size() == 1 && object_at(tasks[0], "command") == json(command);
}

/// Submits the jobs of one or several requests, all on their way at once.
class submitter {
public:
  submitter(const invocation& call, client& broker, bulk_jobs& jobs)
      : call_(call), broker_(broker), jobs_(jobs), own_(read_environment(environ)),
        cwd_(working_directory()) {}

  /// Returns the ids in the order of the jobs. What was accepted before an error is told of first.
  caf::expected<std::vector<std::string>> run() {
    caf::error failed;
    for (size_t i = 0; i < jobs_.size() && !failed; ++i)
      failed = add(i);
    wrong_input_ = static_cast<bool>(failed);
    if (!failed)
      send();
    std::vector<std::string> ids;
    for (auto tag : tags_)
      if (auto e = collect(tag, ids); e && !failed)
        failed = e;
    if (failed && !ids.empty())
      complain(call_, std::to_string(ids.size()) + " jobs were submitted before this:");
    if (!call_.options.has("quiet"))
      for (auto& id : ids)
        print_line(id);
    flush_output();
    if (failed)
      return failed;
    return ids;
  }

  /// True when run() failed for what was typed, before anybody was asked.
  bool wrong_input() const { return wrong_input_; }

private:
  caf::error add(size_t place) {
    if (auto e = jobs_.fill(place))
      return e;
    if (!jobs_.is_uniform() || head_.empty()) {
      auto params = jobs_.build(own_, cwd_);
      if (!params)
        return std::move(params.error());
      if (auto* copies = find_json(*params, "jobs")) {
        add_copies(*copies);
        return {};
      }
      if (!runs(*params, jobs_.command()))
        return make_error(ec::bad_argument, "a plugin changes the command, which bulksubmit sends "
                                            "apart from the rest: use submit");
      close();
      head_ = dump(*params);
      head_.pop_back(); // the brace
    }
    if (!commands_.empty())
      commands_ += ',';
    commands_ += '[';
    for (auto& word : jobs_.command()) {
      if (auto e = workflow::check_utf8(word))
        return e;
      if (commands_.back() != '[')
        commands_ += ',';
      append_json_string(commands_, word);
    }
    commands_ += ']';
    send_if_large();
    return {};
  }

  /// Jobs that have a submission each.
  void add_copies(const json& copies) {
    close();
    head_.clear();
    for (auto& job : copies)
      text_ += (text_.empty() ? "" : ",") + dump(job);
    send_if_large();
  }

  void send_if_large() {
    if (text_.size() + commands_.size() > request_bytes)
      send();
  }

  /// Ends the submission whose commands were gathered.
  void close() {
    if (!commands_.empty())
      text_ += (text_.empty() ? "" : ",") + head_ + ",\"commands\":[" + commands_ + "]}";
    commands_.clear();
  }

  void send() {
    close();
    if (text_.empty())
      return;
    tags_.push_back(broker_.request_text("submit", "{\"jobs\":[" + text_ + "]}"));
    text_.clear();
    if (auto e = broker_.flush(); e && !broken_)
      broken_ = e;
  }

  caf::error collect(uint64_t tag, std::vector<std::string>& ids) {
    while (answers_.count(tag) == 0 && !broken_) {
      auto f = broker_.receive();
      if (!f)
        broken_ = f.error();
      else if (f->kind == frame_kind::reply || f->kind == frame_kind::error)
        answers_.emplace(f->tag, result_of(*f));
    }
    auto found = answers_.find(tag);
    if (found == answers_.end())
      return broken_;
    if (!found->second)
      return found->second.error();
    for (auto& id : object_at(*found->second, "ids"))
      if (id.is_string())
        ids.push_back(id.get<std::string>());
    answers_.erase(found);
    return {};
  }

  const invocation& call_;
  client& broker_;
  bulk_jobs& jobs_;
  environment_map own_;
  std::string cwd_;
  std::string head_;            // what the commands that are gathered have in common; "": none are
  std::string commands_, text_; // of the submission, of the request
  std::vector<uint64_t> tags_;
  std::map<uint64_t, caf::expected<json>> answers_;
  caf::error broken_;
  bool wrong_input_ = false;
};

/// Submits the jobs one by one, never more at a time than a number of them.
class window {
public:
  window(const invocation& call, client& broker, bulk_jobs& jobs, uint64_t most)
      : call_(call), broker_(broker), jobs_(jobs), most_(most), own_(read_environment(environ)),
        cwd_(working_directory()) {}

  caf::expected<int> run() {
    auto wait = call_.options.has("wait");
    while (next_ < jobs_.size() || !submits_.empty() || (wait && active_ > 0)) {
      for (; next_ < jobs_.size() && active_ < most_; ++next_)
        if (auto e = submit())
          return fail_usage(call_, e);
      auto f = broker_.receive();
      if (!f)
        return std::move(f.error());
      if (f->kind == frame_kind::reply || f->kind == frame_kind::error)
        if (auto e = take(f->tag, result_of(*f)))
          return e;
    }
    return wait ? code_ : exit_ok;
  }

private:
  caf::error submit() {
    if (auto e = jobs_.fill(next_))
      return e;
    auto params = jobs_.build(own_, cwd_);
    if (!params)
      return std::move(params.error());
    submits_.insert(broker_.request("submit", *params));
    ++active_;
    return {};
  }

  caf::error take(uint64_t tag, caf::expected<json> result) {
    if (submits_.erase(tag) == 0) { // a job has ended
      active_ -= waits_.erase(tag);
      auto status = result ? static_cast<int>(number_at(*result, "status", 1)) : exit_failed;
      if (status != 0)
        complain(call_, result ? "job " + text_at(*result, "id") + ": "
                                     + job_field(*result, "inactive_reason", 0)
                               : render(result.error()));
      code_ = std::max(code_, status);
      return {};
    }
    if (!result)
      return std::move(result.error());
    auto ids = object_at(*result, "ids");
    active_ += ids.size() - 1; // the copies of --cc
    for (auto& id : ids) {
      if (!call_.options.has("quiet"))
        print_line(id.get<std::string>());
      waits_.insert(broker_.request("job.wait", {{"id", id}}));
    }
    flush_output();
    return {};
  }

  const invocation& call_;
  client& broker_;
  bulk_jobs& jobs_;
  uint64_t most_;
  environment_map own_;
  std::string cwd_;
  size_t next_ = 0;
  uint64_t active_ = 0;                // submitted, or about to be, and not ended
  std::set<uint64_t> submits_, waits_; // tags
  int code_ = exit_ok;
};

int run_bulksubmit(const invocation& call) {
  bulk_jobs jobs{call};
  if (auto e = jobs.read())
    return fail_usage(call, e);
  if (call.options.has("dry-run")) {
    auto e = print_commands(jobs);
    return e ? fail_usage(call, e) : exit_ok;
  }
  auto& o = call.options;
  auto most = o.number("max-in-flight", 0, 1, limits::jobs_per_request_max);
  if (!most)
    return fail_usage(call, most.error());
  for (auto* other : {"watch", "wait-event", "progress", "jps"})
    if (*most > 0 && o.has(other))
      return fail_usage(call, make_error(ec::bad_argument, std::string{"--max-in-flight and --"}
                                                               + other + " exclude each other"));
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    if (*most > 0)
      return window{call, broker, jobs, *most}.run();
    submitter all{call, broker, jobs};
    auto ids = all.run();
    if (!ids && all.wrong_input())
      return fail_usage(call, ids.error());
    if (!ids)
      return std::move(ids.error());
    return after_submit(call, broker, *ids);
  });
}

} // namespace

const command bulksubmit_command{
    "bulksubmit",
    group_submit,
    "submits a job for each of many inputs",
    "[OPTIONS] [--] [COMMAND [ARGS...]] [::: INPUTS...] [:::: FILES...]",
    "Makes a job of COMMAND for each input, and prints the jobs' ids in that order. Inputs stand "
    "after "
    "':::', or are the lines of files after '::::' ('-' is standard input), or of standard input "
    "when "
    "there is neither. Several lists are combined, each input with each, the last list changing "
    "fastest; one after ':::+' or '::::+' goes along with the list before it, from its beginning "
    "again when it is shorter. Without COMMAND each input is a command line.\n\n"
    "In the words of COMMAND and in the options' values stand for a job: {} its input (the first "
    "{} "
    "of a word that of the first list, the second that of the second), {0} {1} ... those of the "
    "lists, and of either {.%} without its extension, {./} without its folder, {./%} without both, "
    "{.//} the folder, as in {1.//}; {seq} and {seq1} the job's number, from 0 and from 1; {.NAME} "
    "what --define says; {cc} the copy of --cc. What else stands in braces stays as it is, as "
    "{{id}} of --output.\n\n"
    "A --define is an expression over x, the input: 2**int(x), x.replace('.in', '.out'), x[:3], "
    "x.split('-')[0], 'big' if int(x) > 9 else 'small'. It has + - * / // % ** and comparisons, "
    "and, "
    "or, not; int float str len abs min max round basename dirname; .upper() .lower() .strip() "
    ".replace() .split() .startswith() .endswith().",
    bulksubmit_table,
    " 0  submitted; with --wait or --watch: all jobs ended with 0\n"
    " 1  refused, or no instance answers; the reason is on standard error\n"
    " 2  the command line or an input is wrong\n"
    " n  with --wait or --watch: the largest exit code of the jobs, 128+N for signal N",
    " hactor bulksubmit -n {1} --output={0./%}.out ./solve {0} ::: *.mesh ::: 1 2 4 8\n"
    " seq 1000 | hactor bulksubmit --wait --progress --max-fails=10 ./case {}\n"
    " hactor bulksubmit --dry-run --define=p2='2**int(x)' -n {.p2} hostname ::: 0 1 2 3\n"
    " hactor bulksubmit :::: commands.txt",
    true,
    0,
    any_number,
    run_bulksubmit};

} // namespace hactor::tools
