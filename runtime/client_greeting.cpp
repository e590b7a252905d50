// See client_greeting.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/client_greeting.hpp"

#include <algorithm>
#include <cstring>

namespace hactor {

namespace {

constexpr std::string_view hello_word = "HACTORc1";
constexpr std::string_view answer_word = "HACTORb1";

constexpr const char* client_role = "client of the protocol";
constexpr const char* broker_role = "broker of the protocol";

std::string text_of(uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

template <class Bytes>
std::string_view view(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Requires: `bytes` has as many as it takes.
template <class Bytes>
Bytes cut(std::string_view& bytes) {
  Bytes result;
  std::memcpy(result.data(), bytes.data(), result.size());
  bytes.remove_prefix(result.size());
  return result;
}

} // namespace

greeting_acceptor::greeting_acceptor(const tcp_key& key, const tcp_nonce& own, uint64_t identity)
    : key_(key), own_(own), identity_(identity) {}

greeting_acceptor::step greeting_acceptor::feed(std::string_view bytes) {
  HACTOR_CHECK(!bytes.empty() && bytes.size() <= missing());
  got_.append(bytes);
  // Who speaks something else is told so by its first bytes, not by silence.
  auto begun = std::min(got_.size(), hello_word.size());
  if (!answered_ && got_.compare(0, begun, hello_word, 0, begun) != 0)
    return step::refused;
  if (missing() > 0)
    return step::more;
  return answered_ ? take_proof() : take_hello();
}

greeting_acceptor::step greeting_acceptor::take_hello() {
  std::string_view rest = got_;
  rest.remove_prefix(hello_word.size());
  auto theirs = cut<tcp_nonce>(rest);
  auto who = text_of(identity_);
  expected_ = prove(key_, client_role, theirs, own_, who);
  answer_ = answer_word;
  answer_.append(view(own_)).append(who);
  answer_.append(view(prove(key_, broker_role, theirs, own_, who)));
  answered_ = true;
  got_.clear();
  wanted_ = sizeof(tcp_proof);
  return step::answer;
}

greeting_acceptor::step greeting_acceptor::take_proof() {
  std::string_view rest = got_;
  return same_proof(cut<tcp_proof>(rest), expected_) ? step::accepted : step::refused;
}

std::string greeting_caller::hello() const { return std::string{hello_word}.append(view(own_)); }

caf::expected<std::string> greeting_caller::proof_for(std::string_view answer) {
  if (answer.size() != greeting_answer_size || !answer.starts_with(answer_word))
    return make_error(ec::network_failed, "what answers there is not hactor");
  answer.remove_prefix(answer_word.size());
  auto theirs = cut<tcp_nonce>(answer);
  auto who = std::string{answer.substr(0, 8)};
  answer.remove_prefix(8);
  if (!same_proof(cut<tcp_proof>(answer), prove(key_, broker_role, own_, theirs, who)))
    return make_error(ec::not_permitted, "the instance that answers there has another token");
  identity_ = 0;
  for (int i = 8; i-- > 0;)
    identity_ = identity_ << 8 | static_cast<uint8_t>(who[static_cast<size_t>(i)]);
  return std::string{view(prove(key_, client_role, own_, theirs, who))};
}

} // namespace hactor
