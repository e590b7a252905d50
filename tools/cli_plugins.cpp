// Plugins of sites and users: programs that see a job before it is submitted (doc/cli-plugins.md).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <sys/wait.h>

#include "actors/spawner_filter.hpp"
#include "tools/client.hpp"
#include "tools/plugin_options.hpp"
#include "tools/submit_options.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

json told_options(const parsed_options& options) {
  auto told = json::object();
  for (auto& [option, value] : options.values)
    if (is_plugin_option(*option))
      told[option->name] = option->argument == nullptr ? json(true) : json(value);
  for (auto& text : options.all("plugin")) {
    auto equals = text.find('=');
    told[text.substr(0, equals)] = equals == text.npos ? json(true) : json(text.substr(equals + 1));
  }
  return told;
}

caf::error apply_plugin(const std::string& plugin, json asked, json& spec) {
  asked["jobspec"] = spec;
  auto done = run_filter({plugin, text_at(asked, "command")}, dump(asked) + "\n");
  if (!done)
    return bad(context_of(done.error())
               + "; a plugin must be a program, or a script that begins with a line like "
                 "'#!/bin/sh' (doc/cli-plugins.md)");
  auto status = done->wait_status;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return bad("plugin " + plugin + " refuses the job: it "
               + (WIFEXITED(status) ? "ended with exit code " + std::to_string(WEXITSTATUS(status))
                                    : "was ended by signal " + std::to_string(WTERMSIG(status))));
  if (done->output.find_first_not_of(" \t\r\n") == std::string::npos)
    return {}; // it has only looked
  auto changed = parse_object(done->output);
  if (!changed)
    return bad("plugin " + plugin
               + ": what it gives is no jobspec: " + context_of(changed.error()));
  spec = std::move(*changed);
  return {};
}

} // namespace

caf::error apply_plugins(const parsed_options& options, json& params) {
  auto plugins = find_plugins();
  if (plugins.empty() && options.has("plugin"))
    return bad("--plugin: HACTOR_CLI_PLUGINPATH names no folder with plugins");
  json asked{{"command", options.of->name}, {"options", told_options(options)}};
  for (auto& plugin : plugins)
    if (auto e = apply_plugin(plugin, asked, params["jobspec"]))
      return e;
  return {};
}

} // namespace hactor::tools
