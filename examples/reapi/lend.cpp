// Takes what a jobspec asks for out of a running instance for a while: holds it through
// REAPI's module mode, gives one rank of it back, and says what it still has.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include <hactor/reapi/reapi_module.hpp>

using Flux::resource_model::detail::reapi_module_t;

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: lend JOBSPEC R-OF-A-PART\n");
    return 2;
  }
  std::string texts[2];
  for (int i = 0; i < 2; ++i) {
    std::ifstream in{argv[i + 1]};
    std::stringstream all;
    all << in.rdbuf();
    texts[i] = all.str();
  }
  void* instance = hactor_reapi_open(nullptr, 0);
  bool reserved = false, full = false;
  std::string R;
  std::int64_t at = 0;
  double seconds = 0;
  int result = 1;
  if (instance == nullptr)
    std::perror("lend");
  else if (reapi_module_t::match_allocate(instance, false, texts[0], 1, reserved, R, at, seconds)
           != 0)
    std::printf("%s: %s\n", std::strerror(errno), hactor_reapi_error(instance));
  else if (reapi_module_t::cancel(instance, 1, texts[1], false, full) != 0)
    std::printf("%s: %s\n", std::strerror(errno), hactor_reapi_error(instance));
  else if (reapi_module_t::find(instance, "jobid-alloc=1", R) != 0)
    std::printf("%s: %s\n", std::strerror(errno), hactor_reapi_error(instance));
  else
    result = std::printf("%s left: %s\n", full ? "nothing" : "some", R.c_str()) < 0;
  hactor_reapi_close(instance);
  return result;
}
