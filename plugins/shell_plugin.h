/* Plugins of a job's shell: shared libraries that are called while a job's tasks are started, run
 * and end, on each node of the job, in a process beside them (lib/hactor/hactor-plugins).
 * doc/shell-plugins.md has the topics and their order.
 *
 *   #include <hactor/shell_plugin.h>
 *   static int on_task(hactor_plugin* p, const char* topic, void* data) {
 *     return hactor_task_setenv(p, "GREETING", "hello", 1);
 *   }
 *   int hactor_plugin_init(hactor_plugin* p) {
 *     return hactor_plugin_add_handler(p, "task.init", on_task, 0);
 *   }
 *
 *   cc -shared -fPIC -o greet.so greet.c
 *   hactor run -O plugins=./greet.so env
 *
 * All calls are made by the thread that called the plugin, while it is called. Texts that are
 * returned live until the next call with the same plugin. JSON is compact and UTF-8.
 * SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef HACTOR_SHELL_PLUGIN_H
#define HACTOR_SHELL_PLUGIN_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hactor_plugin hactor_plugin;

/* Called with a topic that matches; 0, or -1: the job fails. */
typedef int (*hactor_plugin_fn)(hactor_plugin* plugin, const char* topic, void* data);

/* -- what a plugin has ------------------------------------------------------------------------- */

/* Called when it is loaded: adds its handlers. 0, or -1: the job fails. */
int hactor_plugin_init(hactor_plugin* plugin);

/* -- itself ------------------------------------------------------------------------------------ */

/* Calls `fn` with `data` for each topic that matches the pattern (*, ?, []). Handlers of one topic
 * are called in the order in which their plugins were loaded. 0. */
int hactor_plugin_add_handler(hactor_plugin* plugin, const char* pattern, hactor_plugin_fn fn,
                              void* data);

/* Its name: at first that of its file without ".so". A plugin that takes the name of one that was
 * loaded before replaces it. */
void hactor_plugin_set_name(hactor_plugin* plugin, const char* name);
const char* hactor_plugin_name(hactor_plugin* plugin);

/* What it was given behind its file (-O plugins=FILE.so:JSON, plugin.load's conf), as JSON; "null"
 * when nothing. */
const char* hactor_plugin_conf(hactor_plugin* plugin);

/* -- the job ----------------------------------------------------------------------------------- */

/* {"jobid": "f..", "name", "rank": of this shell, "size": shells of the job, "ntasks", "host",
 *  "tmpdir", "cwd", "jobspec": {..}, "R": {..}, "options": {..}}. A shell is what a job has on one
 *  broker. */
const char* hactor_job_info(hactor_plugin* plugin);

/* Of one shell of the job, -1 for this one: {"id", "name": host, "broker_rank", "ntasks",
 * "resources": {"ncores", "cores": "0-3", "gpus": "0"}}; NULL when there is none. */
const char* hactor_rank_info(hactor_plugin* plugin, int rank);

/* The environment that all tasks of this node get. What is changed when a task has been started
 * changes nothing any more. NULL when there is no such variable. */
const char* hactor_job_getenv(hactor_plugin* plugin, const char* name);
const char* hactor_job_environment(hactor_plugin* plugin); /* {"NAME": "VALUE", ..} */
/* 0; -1 when the name is no name. `overwrite` 0: what is there stays. */
int hactor_job_setenv(hactor_plugin* plugin, const char* name, const char* value, int overwrite);
int hactor_job_unsetenv(hactor_plugin* plugin, const char* name);

/* An option of the shell (-O NAME=VALUE) as JSON, NULL when it was not given. Dots lead into
 * objects: "output.limit". */
const char* hactor_job_getopt(hactor_plugin* plugin, const char* name);
/* Sets an option, so that it counts as if it had been submitted: before and in shell.init. -1 when
 * the value is no JSON. */
int hactor_job_setopt(hactor_plugin* plugin, const char* name, const char* value);

/* -- the task (topics task.*) ------------------------------------------------------------------ */

/* {"rank", "localid", "node", "state": "init" | "running" | "exited", "argv": [..], "pid",
 *  "wait_status", "exitcode" or "signaled"}, the last four when they are there; NULL outside of
 *  task.*. */
const char* hactor_task_info(hactor_plugin* plugin);

/* Its environment, in task.init and task.exec. -1, NULL: outside of task.* too. */
const char* hactor_task_getenv(hactor_plugin* plugin, const char* name);
int hactor_task_setenv(hactor_plugin* plugin, const char* name, const char* value, int overwrite);
int hactor_task_unsetenv(hactor_plugin* plugin, const char* name);

/* Its command, a JSON list of words, in task.init. -1 when it is none, or outside of task.init. */
int hactor_task_setargv(hactor_plugin* plugin, const char* words);

/* -- to people --------------------------------------------------------------------------------- */

/* Adds text to the job's captured output: of this task (its rank in the job, -1: the current one,
 * or the first of this node), stream 1 or 2. A newline ends a line. -1: no such task here. */
int hactor_job_write(hactor_plugin* plugin, int task, int stream, const char* text);

enum { HACTOR_LOG_ERROR = 3, HACTOR_LOG_WARNING = 4, HACTOR_LOG_INFO = 6, HACTOR_LOG_DEBUG = 7 };

/* A line in the job's standard error, "hactor-shell[RANK]: NAME: text"; debug with -O verbose
 * only. */
void hactor_log(hactor_plugin* plugin, int level, const char* text);

/* The job fails, with an exception that has this text. Returns -1, for the handler to return. */
int hactor_fail(hactor_plugin* plugin, const char* why);

/* -- questions and answers --------------------------------------------------------------------- */

/* What comes with the topic, as JSON. taskmap.SCHEME: {"scheme", "value", "taskmap": the map as it
 * would be without}; mustache.render.NAME: {"name"}; shell.log: {"level", "message"}; what
 * hactor_call() was given. "null" with other topics. */
const char* hactor_argument(hactor_plugin* plugin);

/* Answers: with the text that stands for {{NAME}}, or with the tasks of each node ("0,2;1,3") or a
 * map of RFC 34. */
void hactor_answer(hactor_plugin* plugin, const char* text);

/* Calls all handlers of a topic of one's own with a JSON argument, NULL for none; 0, -1 when one
 * has returned that. */
int hactor_call(hactor_plugin* plugin, const char* topic, const char* argument);

#ifdef __cplusplus
}
#endif

#endif
