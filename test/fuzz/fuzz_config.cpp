// Fuzzer of actors/fluxion_options: Fluxion's tables in TOML, and its option strings.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/fluxion_options.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  config of_file, of_words, of_resources;
  auto notes = apply_fluxion_config(of_file, "file", text);
  HACTOR_CHECK(notes || !context_of(notes.error()).empty());
  notes = apply_fluxion_options(of_words, qmanager_options_variable, text);
  HACTOR_CHECK(notes || !context_of(notes.error()).empty());
  notes = apply_fluxion_options(of_resources, resource_options_variable, text);
  HACTOR_CHECK(notes || !context_of(notes.error()).empty());
  return 0;
}
