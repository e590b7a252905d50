/* Holds resources of a running instance (HACTOR_URI) through REAPI's module mode, as lines of
 * standard input say; each is answered by one line.
 *
 *     match OPERATION ID JOBSPEC     update ID R     cancel ID     part ID R     info ID     stat
 *     find CRITERIA
 *
 * Files are named. "keep" as the only argument: what is held stays when the program ends.
 * SPDX-License-Identifier: LGPL-3.0-or-later
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hactor/reapi/reapi_module.h>

static char text[1 << 20];

static const char* read_text(const char* name) {
  FILE* file = fopen(name, "r");
  size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
  if (file != NULL)
    fclose(file);
  text[size] = '\0';
  return text;
}

static const char* name_of_errno(void) {
  switch (errno) {
  case EBUSY:
    return "EBUSY";
  case ENODEV:
    return "ENODEV";
  case ENOENT:
    return "ENOENT";
  case EEXIST:
    return "EEXIST";
  case EINVAL:
    return "EINVAL";
  case ENOSYS:
    return "ENOSYS";
  default:
    return strerror(errno);
  }
}

static void match(reapi_module_ctx_t* ctx, const char* op, uint64_t id, const char* file) {
  bool reserved = false;
  char* R = NULL;
  int64_t at = 0;
  double seconds = 0;
  if (reapi_module_match(ctx, match_op_from_string(op), read_text(file), id, &reserved, &R, &at,
                         &seconds)
      != 0) {
    printf("%s %s\n", name_of_errno(), hactor_reapi_error(reapi_module_get_handle(ctx)));
    return;
  }
  printf("%s %" PRId64 " %s\n", reserved ? "reserved" : "ok", at, R);
  free(R);
}

static void other(reapi_module_ctx_t* ctx, const char* verb, uint64_t id, const char* file) {
  bool flag = false;
  int64_t at = 0, vertices = 0, edges = 0, jobs = 0;
  double load = 0, least = 0, most = 0, mean = 0;
  const char* R = NULL;
  char* found = NULL;
  int result = -1;
  errno = EINVAL;
  if (strcmp(verb, "update") == 0)
    result = reapi_module_update_allocate(ctx, id, read_text(file), &at, &load, &R);
  else if (strcmp(verb, "cancel") == 0)
    result = reapi_module_cancel(ctx, id, false);
  else if (strcmp(verb, "part") == 0)
    result = reapi_module_partial_cancel(ctx, id, read_text(file), false, &flag);
  else if (strcmp(verb, "info") == 0)
    result = reapi_module_info(ctx, id, &flag, &at, &load);
  else if (strcmp(verb, "stat") == 0)
    result = reapi_module_stat(ctx, &vertices, &edges, &jobs, &load, &least, &most, &mean);
  else if (strcmp(verb, "find") == 0)
    result = reapi_module_find(ctx, file, NULL, &found);
  if (result != 0)
    printf("%s %s\n", name_of_errno(), hactor_reapi_error(reapi_module_get_handle(ctx)));
  else if (strcmp(verb, "stat") == 0)
    printf("ok %" PRId64 " vertices, %" PRId64 " edges, %" PRId64 " jobs\n", vertices, edges, jobs);
  else
    printf("ok %s %s\n", flag ? "yes" : "no", R != NULL ? R : found != NULL ? found : "");
  free((void*)R);
  free(found);
}

int main(int argc, char** argv) {
  bool keep = argc > 1 && strcmp(argv[1], "keep") == 0;
  void* handle = hactor_reapi_open(NULL, keep ? HACTOR_REAPI_KEEP : 0);
  reapi_module_ctx_t* ctx = reapi_module_new();
  if (handle == NULL || reapi_module_set_handle(ctx, handle) != 0) {
    perror("claims");
    return 1;
  }
  char line[4096], verb[64], word[1024], file[1024];
  while (fgets(line, sizeof line, stdin) != NULL) {
    uint64_t id = 0;
    file[0] = word[0] = '\0';
    if (sscanf(line, "match %1023s %" SCNu64 " %1023s", word, &id, file) == 3)
      match(ctx, word, id, file);
    else if (sscanf(line, "find %1023[^\n]", file) == 1)
      other(ctx, "find", 0, file);
    else if (sscanf(line, "%63s %" SCNu64 " %1023s", verb, &id, file) >= 1)
      other(ctx, verb, id, file);
    fflush(stdout);
  }
  reapi_module_destroy(ctx);
  hactor_reapi_close(handle);
  return 0;
}
