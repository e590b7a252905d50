/* A shell plugin in C: each task gets a folder of its own below the job's temporary folder, by the
 * variable RANK_FOLDER, and the job says at its end which tasks have failed. What it is given
 * ({"variable": "NAME"}) names the variable otherwise.
 * SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <hactor/shell_plugin.h>

static char variable[64] = "RANK_FOLDER";

/* The number behind "NAME": in JSON of one level; a real plugin would use a library. */
static int number_of(const char* json, const char* name, int otherwise) {
  char key[32];
  int value = otherwise;
  const char* at;
  snprintf(key, sizeof key, "\"%s\":", name);
  at = strstr(json, key);
  if (at != NULL)
    sscanf(at + strlen(key), "%d", &value);
  return value;
}

static int on_init(hactor_plugin* p, const char* topic, void* data) {
  char folder[512], line[600];
  const char* tmpdir = hactor_job_getenv(p, "HACTOR_JOB_TMPDIR");
  int rank;
  (void)topic, (void)data;
  snprintf(folder, sizeof folder, "%s", tmpdir);
  rank = number_of(hactor_task_info(p), "rank", 0);
  snprintf(line, sizeof line, "%s/rank-%d", folder, rank);
  if (mkdir(line, 0700) != 0)
    return hactor_fail(p, "a task's folder cannot be made");
  return hactor_task_setenv(p, variable, line, 1);
}

static int on_exit_of_task(hactor_plugin* p, const char* topic, void* data) {
  char line[100];
  const char* info = hactor_task_info(p);
  int code = number_of(info, "exitcode", -1);
  (void)topic, (void)data;
  if (code != 0) {
    snprintf(line, sizeof line, "task %d has failed", number_of(info, "rank", 0));
    hactor_log(p, HACTOR_LOG_WARNING, line);
  }
  return 0;
}

int hactor_plugin_init(hactor_plugin* p) {
  sscanf(hactor_plugin_conf(p), "{\"variable\":\"%63[^\"]", variable);
  hactor_plugin_add_handler(p, "task.init", on_init, NULL);
  return hactor_plugin_add_handler(p, "task.exit", on_exit_of_task, NULL);
}
