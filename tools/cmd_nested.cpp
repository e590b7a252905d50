// hactor proxy: commands in a nested instance.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdlib>

#include "tools/become.hpp"
#include "tools/commands.hpp"
#include "tools/nested.hpp"
#include "tools/session.hpp"
#include "tools/uri_schemes.hpp"
#include "workflow/instance_note.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec proxy_options[] = {
    {'v', "verbose", nullptr, "Prints the URI."},
};

/// Runs the command's words in the instance of that URI.
int run_there(const invocation& call, std::vector<std::string> words, const std::string& uri) {
  if (call.options.has("verbose"))
    complain(call, "HACTOR_URI=" + uri);
  ::setenv("HACTOR_URI", uri.c_str(), 1);
  words.erase(words.begin());
  if (!words.empty() && words.front() == "--")
    words.erase(words.begin());
  return become(call, std::move(words));
}

/// An instance that is no job's: by a URI, or by its note.
int run_elsewhere(const invocation& call, const std::string& uri) {
  auto there = client::connect(uri);
  auto hello = there ? there->ask("hello", json::object())
                     : caf::expected<json>{std::move(there.error())};
  return hello ? run_there(call, call.options.operands, uri) : fail(call, hello.error());
}

int run_proxy(const invocation& call) {
  auto words = call.options.operands;
  std::string uri;
  if (auto named = uri_by_scheme(words.front())) {
    if (!*named)
      return fail_usage(call, named->error());
    return run_elsewhere(call, **named);
  }
  auto path = uri_inside("", words.front());
  if (!path) {
    auto word = words.front();
    auto first = word.substr(0, word.find('/'));
    if (word.find("://") != word.npos || workflow::find_note(first))
      return run_elsewhere(call, word);
    auto is_name = !word.empty() && first == word;
    return fail_usage(
        call, make_error(is_name ? ec::no_instance : ec::bad_id,
                         render(path.error()) + "; nor is it a URI or what 'hactor ps' shows"));
  }
  auto code = with_broker(call, [&](client&) -> caf::expected<int> {
    auto own = workflow::own_uri();
    auto inside = own ? find_inside(*own, words.front()) : std::move(own);
    if (!inside)
      return std::move(inside.error());
    uri = *inside;
    auto broker = client::connect(uri);
    if (!broker)
      return std::move(broker.error());
    auto there = broker->ask("hello", json::object());
    // One with brokers of its own does not know of those around it.
    if (!there && render(there.error()).find(path->substr(1)) == std::string::npos)
      return make_error(code_of(there.error()), path->substr(1) + ": " + render(there.error()));
    if (!there)
      return std::move(there.error());
    return exit_ok;
  });
  return code != exit_ok ? code : run_there(call, std::move(words), uri);
}

} // namespace

const command proxy_command{
    "proxy",
    group_instance,
    "runs a command in another instance",
    "ID[/ID...]|INSTANCE|URI [--] [COMMAND [ARGS...]]",
    "Runs COMMAND, or a shell, with HACTOR_URI set to the instance that the job ID holds: its "
    "commands speak with that one. ID/ID is an instance within it; with a '/' in front the path "
    "begins in the outermost instance. ID.INDEX is a job of an array. "
    "INSTANCE is what hactor ps shows, on whatever machine; a URI is local://, tcp:// or ssh://; "
    "pid:PID, slurm:JOB and others are as for 'hactor uri'.",
    proxy_options,
    " n    COMMAND's exit code\n 1    there is no such instance\n 2    the command line is wrong\n"
    " 126  COMMAND cannot be executed\n 127  COMMAND was not found",
    " hactor proxy f2aXyz hactor jobs\n hactor proxy f2aXyz.3/f7QzR",
    true,
    1,
    any_number,
    run_proxy};

} // namespace hactor::tools
