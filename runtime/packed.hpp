// What ranks tell each other outside of CAF, while they meet: plain values as bytes that any host
// reads, by cereal's portable archive. A type is packed by a `serialize` of its own.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <exception>
#include <sstream>
#include <string>

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include "runtime/error.hpp"

namespace hactor {

template <class T>
std::string pack(const T& value) {
  std::ostringstream out;
  cereal::PortableBinaryOutputArchive{out}(value);
  return std::move(out).str();
}

/// Errors: ec::bad_argument when `bytes` are not those of a T, all of it and nothing more.
template <class T>
caf::expected<T> unpack(const std::string& bytes) {
  try {
    std::istringstream in{bytes};
    T value;
    cereal::PortableBinaryInputArchive{in}(value);
    if (in.peek() == std::istringstream::traits_type::eof())
      return value;
  } catch (const std::exception&) { // a size that is no size is std::length_error or bad_alloc
  }
  return make_error(ec::bad_argument, "bytes of another rank that do not mean what they should");
}

} // namespace hactor
