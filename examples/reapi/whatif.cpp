// When would a job start if some ranks were down? Two copies of one resource graph, asked through
// REAPI.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>

#include <hactor/reapi/reapi_cli.hpp>

using namespace Flux::resource_model::detail;

static std::string text_of(const char* name) {
  std::ifstream in{name};
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

static void tell(const char* when, resource_query_t& query, const std::string& jobspec) {
  bool reserved = false;
  std::string R;
  int64_t at = 0;
  double seconds = 0;
  if (reapi_cli_t::match_allocate(&query, MATCH_WITHOUT_ALLOCATING_FUTURE, jobspec, 1, reserved, R,
                                  at, seconds)
      != 0)
    std::printf("%s: %s", when, reapi_cli_t::get_err_message().c_str());
  else if (R.empty())
    std::printf("%s: never\n", when);
  else
    std::printf("%s: at %lld\n", when, static_cast<long long>(at));
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: whatif GRAPH.json JOBSPEC RANKS\n");
    return 2;
  }
  try {
    resource_query_t query{text_of(argv[1]), R"({"load_format":"jgf"})"};
    auto other = query;
    if (reapi_cli_t::set_rank_status(&other, argv[3], RESOURCE_DOWN) != 0) {
      std::fprintf(stderr, "%s", reapi_cli_t::get_err_message().c_str());
      return 1;
    }
    auto jobspec = text_of(argv[2]);
    tell("as it is", query, jobspec);
    tell("without them", other, jobspec);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
