// Fuzzer of runtime/client_greeting: what a stranger sends to a broker, and what a broker that is
// none sends to a client.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstddef>
#include <string_view>

#include "runtime/client_greeting.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using step = greeting_acceptor::step;
  if (size == 0)
    return 0;
  size_t piece = bytes[0] % 50 + 1; // how much comes at once
  std::string_view rest{reinterpret_cast<const char*>(bytes) + 1, size - 1};
  tcp_key key{};
  greeting_caller client{key, tcp_nonce{}};
  auto proof = client.proof_for(rest);
  HACTOR_CHECK(proof || !context_of(proof.error()).empty());
  greeting_acceptor broker{key, make_nonce(), 5};
  for (auto last = step::more; !rest.empty() && broker.missing() > 0;) {
    auto some = rest.substr(0, std::min(piece, broker.missing()));
    rest.remove_prefix(some.size());
    last = broker.feed(some);
    HACTOR_CHECK(last != step::accepted); // whoever guesses a proof may have the instance
    HACTOR_CHECK(broker.missing() <= greeting_hello_size);
    if (last == step::refused)
      break;
  }
  return 0;
}
