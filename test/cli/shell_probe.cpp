// A shell plugin that does what it was given: {"trace": PATTERN} writes each topic to the log,
// {"crash" | "hang" | "fail" | "flood" | "refuse" | "leave": TOPIC} does that there. For
// shell_plugins.sh.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <csignal>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include "plugins/shell_plugin.h"

namespace {

/// The text behind "NAME": in the conf.
std::string given(hactor_plugin* p, const std::string& name) {
  std::string conf = hactor_plugin_conf(p);
  auto key = "\"" + name + "\":\"";
  auto at = conf.find(key);
  if (at == std::string::npos)
    return {};
  at += key.size();
  return conf.substr(at, conf.find('"', at) - at);
}

int do_as_told(hactor_plugin* p, const char* topic, void*) {
  if (given(p, "crash") == topic)
    std::raise(SIGSEGV);
  if (given(p, "leave") == topic)
    std::exit(0);
  while (given(p, "hang") == topic)
    ::pause();
  for (std::string line(16 << 10, 'x'); given(p, "flood") == topic;)
    hactor_job_write(p, -1, 1, line.c_str());
  while (given(p, "wait") == topic && ::access("go", F_OK) != 0)
    ::usleep(10'000);
  if (given(p, "fail") == topic)
    return hactor_fail(p, "as it was told");
  return given(p, "refuse") == topic ? -1 : 0;
}

int trace(hactor_plugin* p, const char* topic, void*) {
  if (std::string{topic} == "shell.log")
    return 0;
  auto* info = hactor_task_info(p);
  std::string rank = info == nullptr ? "" : info;
  auto at = rank.find("\"rank\":");
  hactor_log(p, HACTOR_LOG_INFO,
             (std::string{topic} + (info == nullptr ? "" : " " + rank.substr(at + 7, 1))).c_str());
  return 0;
}

int change(hactor_plugin* p, const char* topic, void*) {
  std::string t = topic;
  if (t == "shell.init")
    return hactor_job_setenv(p, "OF_JOB", "job", 1) | hactor_job_unsetenv(p, "UNWANTED");
  if (t == "task.init")
    return hactor_task_setenv(p, "OF_TASK", hactor_task_getenv(p, "HACTOR_TASK_RANK"), 1);
  if (t == "task.exit")
    return hactor_job_write(p, -1, 1, "one line more\n");
  if (t == "mustache.render.color")
    hactor_answer(p, "blue");
  if (t == "taskmap.odd")
    hactor_answer(p, "0,2;1,3");
  return 0;
}

} // namespace

extern "C" int hactor_plugin_init(hactor_plugin* p) {
  hactor_plugin_set_name(p, "probe");
  if (auto pattern = given(p, "trace"); !pattern.empty())
    hactor_plugin_add_handler(p, pattern.c_str(), trace, nullptr);
  if (!given(p, "change").empty())
    hactor_plugin_add_handler(p, "*", change, nullptr);
  hactor_plugin_add_handler(p, "*", do_as_told, nullptr);
  return do_as_told(p, "load", nullptr);
}
