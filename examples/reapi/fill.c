/* How many jobs of one shape fit into a resource graph, asked through REAPI: reads the graph (JGF)
 * and the jobspec, holds one job after the other, and says which nodes the first one would get.
 * SPDX-License-Identifier: LGPL-3.0-or-later
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hactor/reapi/reapi_cli.h>

static char* text_of(const char* name) {
  FILE* file = fopen(name, "r");
  if (file == NULL) {
    perror(name);
    exit(1);
  }
  size_t room = 1 << 20, size = 0;
  char* text = malloc(room);
  while (text != NULL && (size += fread(text + size, 1, room - size - 1, file)) == room - 1)
    text = realloc(text, room *= 2);
  fclose(file);
  if (text != NULL)
    text[size] = '\0';
  return text;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: fill GRAPH.json JOBSPEC\n");
    return 2;
  }
  char *graph = text_of(argv[1]), *jobspec = text_of(argv[2]);
  reapi_cli_ctx_t* ctx = reapi_cli_new();
  if (reapi_cli_initialize(ctx, graph, "{\"load_format\":\"jgf\",\"match_format\":\"simple\"}") != 0) {
    fprintf(stderr, "%s", reapi_cli_get_err_msg(ctx));
    return 1;
  }
  uint64_t job = 0, jobs = 0;
  bool reserved = false, more = true;
  while (more) {
    char* R = NULL;
    int64_t at = 0;
    double seconds = 0;
    if (reapi_cli_match_allocate(ctx, false, jobspec, &job, &reserved, &R, &at, &seconds) != 0) {
      fprintf(stderr, "%s", reapi_cli_get_err_msg(ctx));
      return 1;
    }
    more = R[0] != '\0';
    if (more && jobs == 0)
      printf("%s", R);
    jobs += more;
    free(R);
  }
  printf("%" PRIu64 " jobs fit\n", jobs);
  reapi_cli_destroy(ctx);
  free(graph);
  free(jobspec);
  return 0;
}
