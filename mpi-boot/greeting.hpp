// What each rank tells all others when the brokers of an instance start. Read by broker_main.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "runtime/error.hpp"
#include "runtime/hardware.hpp"
#include "runtime/idset.hpp"

namespace hactor {

inline std::vector<std::string> texts_of(const std::vector<idset>& all) {
  std::vector<std::string> texts;
  for (auto& ids : all)
    texts.push_back(ids.to_string());
  return texts;
}

/// What a rank tells all others at the start, or why it cannot take part.
struct greeting {
  hardware own;
  std::string failure;
  bool wrong_options = false; // failure: what the options say cannot be
  int64_t memory_bytes = 0;   // of the whole host
  int64_t epoch_ns = 0;       // of the lead
  uint64_t secret = 0;        // the lead's: of this instance, and of no other

  template <class Archive>
  void save(Archive& a) const {
    a(std::string{HACTOR_VERSION}, own.hostname, own.cores.to_string(), own.bound_cores.to_string(),
      own.gpus.to_string(), texts_of(own.sockets), texts_of(own.numanodes),
      texts_of(own.gpu_cores), failure, wrong_options, memory_bytes, epoch_ns,
      secret);
  }

  template <class Archive>
  void load(Archive& a) {
    std::string version, cores, bound, gpus;
    std::vector<std::string> sockets, numanodes, gpu_cores;
    a(version, own.hostname, cores, bound, gpus, sockets, numanodes, gpu_cores, failure,
      wrong_options, memory_bytes, epoch_ns, secret);
    auto read = [this](const std::string& text, idset& out) {
      if (auto ids = idset::parse(text))
        out = std::move(*ids);
      else
        failure = render(ids.error());
    };
    read(cores, own.cores);
    read(bound, own.bound_cores);
    read(gpus, own.gpus);
    auto read_all = [&read](const std::vector<std::string>& texts, std::vector<idset>& out) {
      for (auto& text : texts)
        read(text, out.emplace_back());
    };
    read_all(sockets, own.sockets);
    read_all(numanodes, own.numanodes);
    read_all(gpu_cores, own.gpu_cores);
    if (version != HACTOR_VERSION)
      failure = fmt::format("is hactor {}, this is {}", version, HACTOR_VERSION);
  }
};

} // namespace hactor
