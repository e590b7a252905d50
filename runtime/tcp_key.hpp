// Who may join an instance over TCP: everybody who has the same key, 32 bytes in a file that only
// its owner can read. Each connection begins with a challenge both ways, which shows that the other
// end has the key without telling it. What follows on the connection is not encrypted.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor {

inline constexpr size_t tcp_key_size = 32;
using tcp_key = std::array<uint8_t, tcp_key_size>;

/// A number that nobody can guess and that is used once.
using tcp_nonce = std::array<uint8_t, 32>;
using tcp_proof = std::array<uint8_t, 32>;

/// Where the key is kept when nothing else is said: ~/.config/hactor/key, "" without a home.
std::string default_key_path();

/// Reads a key. Errors: ec::unknown_key (there is no such file), ec::not_permitted (it belongs to
/// another user, or others may read it), ec::bad_argument (it is no regular file of 32 bytes),
/// ec::system_failed.
caf::expected<tcp_key> load_key(const std::string& path);

/// As load_key, but makes a file with a random key when there is none, and the folders above it.
/// Of several that do so at once, one wins and all get its key.
caf::expected<tcp_key> load_or_make_key(const std::string& path);

/// A new nonce, from the kernel's random numbers.
tcp_nonce make_nonce();

/// What the owner of `key` can say about `text`, for the one end ("dialler" or "acceptor") of the
/// connection that `first` and `second` were drawn for. HMAC-SHA-512-256 of all of them.
tcp_proof prove(const tcp_key& key, std::string_view role, const tcp_nonce& first,
                const tcp_nonce& second, std::string_view text);

/// True when both are the same; takes as long when they are not.
bool same_proof(const tcp_proof& a, const tcp_proof& b);

} // namespace hactor
