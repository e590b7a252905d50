// Fuzzer of tools/constraint_text: the text of --requires, and whether what it makes is a
// constraint.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/constraint.hpp"
#include "tools/constraint_text.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  auto object =
      tools::parse_constraint(std::string_view{reinterpret_cast<const char*>(bytes), size});
  HACTOR_CHECK(object || !context_of(object.error()).empty());
  if (object) {
    auto compiled = constraint::compile(*object, "requires");
    HACTOR_CHECK(compiled || !context_of(compiled.error()).empty());
  }
  return 0;
}
