// The functions of shell_plugin.h, which plugins find in this program.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "plugins/shell_plugin.h"

#include "plugins/stack.hpp"

namespace {

hactor::plugins::job_view& job_of(hactor_plugin* p) { return p->all.job(); }

/// Keeps a text until the plugin's next call.
const char* kept(hactor_plugin* p, std::string text) {
  p->text = std::move(text);
  return p->text.c_str();
}

const char* kept(hactor_plugin* p, const std::string* text) {
  return text == nullptr ? nullptr : kept(p, *text);
}

const char* kept_unless_null(hactor_plugin* p, const hactor::json& value) {
  return value.is_null() ? nullptr : kept(p, hactor::dump(value));
}

int result(bool good) { return good ? 0 : -1; }

} // namespace

extern "C" {

int hactor_plugin_add_handler(hactor_plugin* p, const char* pattern, hactor_plugin_fn fn,
                              void* data) {
  p->handlers.push_back({pattern, [=](const char* topic) { return fn(p, topic, data); }});
  return 0;
}

void hactor_plugin_set_name(hactor_plugin* p, const char* name) { p->all.rename(*p, name); }
const char* hactor_plugin_name(hactor_plugin* p) { return p->name.c_str(); }
const char* hactor_plugin_conf(hactor_plugin* p) { return p->conf.c_str(); }

const char* hactor_job_info(hactor_plugin* p) { return kept(p, hactor::dump(job_of(p).info())); }

const char* hactor_rank_info(hactor_plugin* p, int rank) {
  return kept_unless_null(p, job_of(p).rank_info(rank));
}

const char* hactor_job_getenv(hactor_plugin* p, const char* name) {
  return kept(p, job_of(p).environment.find(name));
}

const char* hactor_job_environment(hactor_plugin* p) {
  return kept(p, hactor::dump(hactor::json(job_of(p).environment.all())));
}

int hactor_job_setenv(hactor_plugin* p, const char* name, const char* value, int overwrite) {
  return result(job_of(p).environment.set(name, value, overwrite != 0));
}

int hactor_job_unsetenv(hactor_plugin* p, const char* name) {
  return result(job_of(p).environment.unset(name));
}

const char* hactor_job_getopt(hactor_plugin* p, const char* name) {
  auto* value = hactor::find_json(job_of(p).options, name);
  return value == nullptr ? nullptr : kept(p, hactor::dump(*value));
}

int hactor_job_setopt(hactor_plugin* p, const char* name, const char* value) {
  auto parsed = hactor::parse_json(value);
  return result(parsed && job_of(p).set_option(name, std::move(*parsed)));
}

const char* hactor_task_info(hactor_plugin* p) {
  auto* t = job_of(p).current;
  return t == nullptr ? nullptr : kept(p, hactor::dump(job_of(p).task_info(*t)));
}

const char* hactor_task_getenv(hactor_plugin* p, const char* name) {
  auto* t = job_of(p).current;
  return t == nullptr ? nullptr : kept(p, job_of(p).task_variable(*t, name));
}

int hactor_task_setenv(hactor_plugin* p, const char* name, const char* value, int overwrite) {
  auto* t = job_of(p).current;
  return result(t != nullptr && job_of(p).set_task_variable(*t, name, value, overwrite != 0));
}

int hactor_task_unsetenv(hactor_plugin* p, const char* name) {
  auto* t = job_of(p).current;
  return result(t != nullptr && t->own.unset(name));
}

int hactor_task_setargv(hactor_plugin* p, const char* words) {
  auto parsed = hactor::parse_json(words);
  return result(parsed && job_of(p).set_command(*parsed));
}

int hactor_job_write(hactor_plugin* p, int task, int stream, const char* text) {
  return result(job_of(p).write(task, stream, text));
}

void hactor_log(hactor_plugin* p, int level, const char* text) { p->all.log(p->name, level, text); }

int hactor_fail(hactor_plugin* p, const char* why) {
  job_of(p).fail(why);
  return -1;
}

const char* hactor_argument(hactor_plugin* p) { return p->all.argument().c_str(); }
void hactor_answer(hactor_plugin* p, const char* text) { p->all.set_answer(text); }

int hactor_call(hactor_plugin* p, const char* topic, const char* argument) {
  return result(p->all.call_from_handler(topic, argument == nullptr ? "null" : argument));
}

} // extern "C"
