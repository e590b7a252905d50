// hactor batch: a script that runs in an instance of its own. hactor alloc: such an instance for a
// person.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fmt/format.h>
#include <unistd.h>

#include "tools/commands.hpp"
#include "tools/directives.hpp"
#include "tools/ending.hpp"
#include "tools/raw_terminal.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

/// Where the job's shell puts the script; it renders the template.
constexpr const char* script_path = "{{tmpdir}}/script";

struct batch_script {
  std::string name; // of the job
  std::string text;
  std::vector<std::string> arguments;
  bool is_words = false; // of --wrap
};

/// What is to run: the operands by --wrap, a file, or standard input.
caf::expected<batch_script> read_script(const parsed_options& o) {
  auto words = o.operands;
  if (o.has("wrap-text"))
    words.insert(words.begin(), o.value("wrap-text"));
  batch_script s;
  auto wraps = o.has("wrap") || o.has("wrap-text");
  if (wraps && !words.empty()) {
    s.name = "wrap";
    s.is_words = true;
    for (auto& word : words)
      s.text += (s.text.empty() ? "#!/bin/sh\n" : " ") + word;
    s.text += '\n';
    return s;
  }
  auto file = words.empty() ? std::string{"-"} : words.front();
  auto text = read_file(file);
  if (!text)
    return std::move(text.error());
  s.name = file == "-" ? "batch" : file.substr(file.rfind('/') + 1);
  s.text = wraps ? "#!/bin/sh\n" + *text : std::move(*text);
  if (!words.empty())
    s.arguments.assign(words.begin() + 1, words.end());
  if (!s.text.starts_with("#!"))
    return make_error(ec::bad_argument,
                      file
                          + ": a script begins with a line that names its interpreter, like "
                            "'#!/bin/sh'; a command line is given by --wrap");
  if (auto end = s.text.find('\n'); end != s.text.npos && s.text[end - 1] == '\r')
    return make_error(ec::bad_argument,
                      file
                          + ": its lines end with a carriage return and a line feed (CRLF), and "
                            "its interpreter would not be found; sed 's/\\r$//' mends it");
  return s;
}

caf::expected<json> build_instance_of(const parsed_options& options, const batch_script& script) {
  // In the words of a command {cc} is filled for each copy, which it is not in files.
  auto of_copies = script.is_words && (options.has("cc") || options.has("bcc"));
  auto command = of_copies ? std::vector<std::string>{"/bin/sh", "-c", script.text}
                           : std::vector<std::string>{script_path};
  command.insert(command.end(), script.arguments.begin(), script.arguments.end());
  auto params = build_instance(options, command, read_environment(environ), working_directory());
  if (!params)
    return params;
  auto& system = (*params)["jobspec"]["attributes"]["system"];
  if (!of_copies)
    add_file(system, "script", script.text, 0700);
  if (!options.has("job-name"))
    system["job"]["name"] = script.name;
  auto& shell = system["shell"]["options"];
  if (!options.has("output")) {
    auto& out = shell["output"]["stdout"];
    out["type"] = "file";
    out["path"] = "hactor-{{id}}.out";
    if (options.has("label-io"))
      out["label"] = true;
  }
  return params;
}

/// The job of a script, with the options that stand in it and those of the command line, which win.
caf::expected<json> build_batch(const invocation& call, const batch_script& script) {
  auto options = call.options;
  auto found = read_directives(script.text, *options.of);
  if (!found)
    return make_error(code_of(found.error()), script.name + ": " + context_of(found.error()));
  for (auto& text : found->warnings)
    complain(call, script.name + ": " + text);
  options.values.insert(options.values.begin(), found->values.begin(), found->values.end());
  return build_copies(options,
                      [&](const parsed_options& o) { return build_instance_of(o, script); });
}

int run_batch(const invocation& call) {
  auto script = read_script(call.options);
  if (!script)
    return fail_usage(call, script.error());
  auto params = build_batch(call, *script);
  if (!params)
    return fail_usage(call, params.error());
  if (call.options.has("dry-run")) {
    if (!params->contains("jobs"))
      print_line(dump((*params)["jobspec"]));
    else
      for (auto& job : (*params)["jobs"])
        print_line(dump(job["jobspec"]));
    return exit_ok;
  }
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto ids = submit_job(broker, *params);
    if (!ids)
      return std::move(ids.error());
    if (!call.options.has("quiet"))
      for (auto& id : *ids)
        print_line(id);
    flush_output();
    return after_submit(call, broker, *ids);
  });
}

/// Submits the instance and leaves when it is there.
caf::expected<int> begin_in_background(const invocation& call, client& broker, const json& params) {
  auto ids = submit_job(broker, params);
  if (!ids)
    return std::move(ids.error());
  // The instance says by a memo where it is.
  if (auto e = wait_for_event(call, broker, *ids, "memo"))
    return code_of(e) == ec::wrong_state
               ? make_error(ec::no_instance, fmt::format("job {0} has ended without an instance; "
                                                         "'hactor job attach {0}' shows why",
                                                         ids->front()))
               : e;
  print_line(ids->front());
  return exit_ok;
}

int run_alloc(const invocation& call) {
  auto& o = call.options;
  auto command = o.operands;
  auto background = o.has("bg");
  auto person = command.empty() && !background && ::isatty(0) == 1;
  if (background && command.empty())
    command = {"sleep", "infinity"};
  auto params = build_instance(o, command, read_environment(environ), working_directory());
  if (!params)
    return fail_usage(call, params.error());
  auto& system = (*params)["jobspec"]["attributes"]["system"];
  if (!o.has("job-name"))
    system["job"]["name"] =
        command.empty() ? "alloc" : command.front().substr(command.front().rfind('/') + 1);
  auto terminal = person || (!background && ::isatty(0) == 1 && ::isatty(1) == 1);
  for (auto* other : {"input", "output", "error", "label-io"})
    terminal = terminal && !o.has(other);
  auto& shell = system["shell"]["options"];
  if (terminal) {
    auto size = terminal_size();
    shell["pty"] = true;
    if (size.rows > 0 && size.columns > 0)
      shell["pty"] = {{"rows", size.rows}, {"columns", size.columns}};
  } else if (!background && !o.has("input")) {
    shell["input"]["stdin"]["type"] = "service";
  }
  if (auto e = apply_plugins(o, *params))
    return fail_usage(call, e);
  if (o.has("dry-run")) {
    print_line(dump((*params)["jobspec"]));
    return exit_ok;
  }
  if (background)
    return with_broker(call,
                       [&](client& broker) { return begin_in_background(call, broker, *params); });
  return run_attached(call, *params, terminal);
}

} // namespace

const command batch_command{
    "batch",
    group_submit,
    "submits a script that runs in an instance of its own",
    "[OPTIONS] [SCRIPT [ARGS...]]",
    "Makes a job that is an instance over the resources that the options ask for (-n counts "
    "slots), "
    "and runs SCRIPT in it, once: what the script submits is scheduled there, by 'hactor run', "
    "'hactor submit' and so on. Prints the job's id and returns. The script is kept in the job: "
    "what "
    "becomes of its file later changes nothing. Without SCRIPT, or with '-', it is read from "
    "standard input. What it prints goes to hactor-ID.out in the working directory, or to "
    "--output.\n\n"
    "Options may stand in the script, in lines that begin with '# hactor:' (or any other mark of a "
    "comment and 'hactor:', 'HACTOR:', 'flux:' or 'FLUX:'), or '#HACTOR'; those of the command "
    "line "
    "come after them and win. All begin alike, up to the first line that begins otherwise; one "
    "that "
    "comes later is an error. Words are quoted as in a shell, a # begins a comment, a backslash "
    "joins "
    "lines, and texts of several lines stand in '''...''' or \"\"\"...\"\"\".\n\n"
    "Lines '#SBATCH ...' are read too: letters mean what they mean to sbatch (-q is the QOS), what "
    "is said otherwise there is said so here (--gres=gpu:2 is --gpus-per-node=2), what means "
    "nothing here is told of and left out, and what neither knows is an error. In lines of "
    "'flux:' -o is, as there, an option of the shell (-O).",
    batch_table,
    " 0  submitted; with --wait or --watch: all jobs ended with 0\n"
    " 1  refused, or no instance answers; the reason is on standard error\n"
    " 2  the command line or a line of the script is wrong\n"
    " n  with --wait or --watch: the script's exit code, 128+N for signal N",
    " hactor batch -N 4 -t 2h ./campaign.sh input.yaml\n"
    " hactor batch -n 8 --wrap 'make -j8 && ./check'\n"
    " cat campaign.sh | hactor batch -N 2 --conf sched.policy=easy",
    true,
    0,
    any_number,
    run_batch};

const command alloc_command{
    "alloc",
    group_submit,
    "starts an instance on an allocation and stays with it",
    "[OPTIONS] [COMMAND [ARGS...]]",
    "Makes a job that is an instance over the resources that the options ask for (-n counts "
    "slots), "
    "and runs COMMAND in it, or a shell, here: it has this terminal when there is one. The "
    "instance "
    "ends with it; the exit code is the command's. Ctrl-C before it runs works as for 'hactor "
    "run'.",
    alloc_table,
    " n    COMMAND's exit code, 128+N if signal N ended it\n"
    " 1    refused, no instance answers, or the job ended before it started\n"
    " 2    the command line is wrong",
    " hactor alloc -N 2 -t 1h\n hactor alloc -n 4 ./ensemble.sh\n id=$(hactor alloc -N 1 --bg)",
    true,
    0,
    any_number,
    run_alloc};

} // namespace hactor::tools
