// The byte form of the spool's records; spool.cpp moves them, this reads and writes them.
// Head, 24 bytes: check u32, size u32 of what follows, job u64, task u32, stream u8, kind u8, magic
// u16. The check covers all behind itself. Format: doc/store-format.md.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "store/spool.hpp"

namespace hactor {

inline constexpr size_t spool_head_bytes = 24;

enum class spool_kind : uint8_t { output = 1, index = 2 };

struct spool_record {
  job_id id;
  uint32_t task = 0;
  uint8_t stream = 0;
  spool_kind kind = spool_kind::output;
  std::string_view bytes;
};

void encode_spool_record(std::string& out, const spool_record& r);

/// Takes one record off the front of `in`; its bytes view into `in`'s memory. False when there is
/// none, or one that is damaged.
bool take_spool_record(std::string_view& in, spool_record& r);

void encode_spool_index(std::string& out, const std::vector<spool_part>& index);
bool decode_spool_index(std::string_view in, std::vector<spool_part>& index);

} // namespace hactor
