// What this machine has, as hwloc sees it: cores, GPUs, and which cores the launcher left to us.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/idset.hpp"

namespace hactor {

/// One host, or one process's part of it. Ids are logical (hwloc's order), as in R.
struct hardware {
  std::string hostname;
  idset cores;       // of the whole host
  idset bound_cores; // of them, those that this process may use
  idset gpus;        // of the whole host; none when nobody looked for devices
  /// By core of the host: the operating system's numbers of its CPUs, without those that a binding
  /// of this process leaves out unless it leaves out all.
  std::vector<idset> core_cpus{};
  std::vector<idset> sockets{};   // the cores of each
  std::vector<idset> numanodes{}; // the cores of each
  std::vector<idset> gpu_cores{}; // by GPU: the cores near it, all where nobody knows
};

/// A look at the devices takes hwloc 8 ms; all else 2 ms.
enum class look_at : uint8_t { cores, cores_and_devices };

/// Asks hwloc and the kernel. Errors: ec::system_failed.
caf::expected<hardware> discover_hardware(look_at what = look_at::cores_and_devices);

/// Whether a PCI device of this class (code and subclass), served by this driver of Linux,
/// computes: how a GPU is seen where hwloc has no plugin of its maker (Debian's has none for
/// NVIDIA's).
bool is_gpu(uint16_t pci_class, std::string_view driver);

/// The info of hwloc's object by which such a GPU is told to who reads the XML: its number.
inline constexpr auto gpu_mark = "HactorGPU";

/// The same in full, as hwloc's XML: what graph/hwloc_reader.hpp reads; of what belongs to
/// these CPUs (numbers of the operating system) only, when there are any. Errors:
/// ec::system_failed.
caf::expected<std::string> discover_topology(const std::optional<idset>& cpus = std::nullopt);

} // namespace hactor
