// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/hardware.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <hwloc.h>
#include <unistd.h>

namespace hactor {

namespace {

struct topology_deleter {
  void operator()(hwloc_topology* t) const { hwloc_topology_destroy(t); }
};
using topology = std::unique_ptr<hwloc_topology, topology_deleter>;

caf::expected<topology> load_topology(look_at what) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0)
    return make_errno_error(ec::system_failed, "hwloc_topology_init", errno);
  topology t{raw};
  // Devices too: they are how a GPU is seen. All of the host, not only what we are bound to.
  hwloc_topology_set_io_types_filter(
      raw, what == look_at::cores ? HWLOC_TYPE_FILTER_KEEP_NONE : HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
  if (hwloc_topology_load(raw) != 0)
    return make_errno_error(ec::system_failed, "hwloc_topology_load", errno);
  return t;
}

/// The co-processors that hwloc's own plugins have found, if a library of the GPU's maker and the
/// plugin for it are there. One card shows several (cuda0, opencl0d0), which share their PCI
/// parent.
std::vector<hwloc_obj_t> known_gpus(hwloc_topology_t t) {
  std::vector<hwloc_obj_t> found;
  hwloc_obj_t last_parent = nullptr;
  for (auto* o = hwloc_get_next_osdev(t, nullptr); o != nullptr; o = hwloc_get_next_osdev(t, o)) {
    if (o->attr->osdev.type != HWLOC_OBJ_OSDEV_COPROC)
      continue;
    if (o->parent != nullptr && o->parent == last_parent)
      continue;
    last_parent = o->parent;
    found.push_back(o);
  }
  return found;
}

std::string driver_of(const hwloc_obj_attr_u::hwloc_pcidev_attr_s& pci) {
  auto link = fmt::format("/sys/bus/pci/devices/{:04x}:{:02x}:{:02x}.{:x}/driver", pci.domain,
                          pci.bus, pci.dev, pci.func);
  std::error_code none; // a device without a driver is nobody's
  return std::filesystem::read_symlink(link, none).filename().string();
}

/// Where on the bus a device is; what is on none comes last.
auto bus_place(hwloc_obj_t o) {
  while (o != nullptr && o->type != HWLOC_OBJ_PCI_DEVICE)
    o = o->parent;
  if (o == nullptr)
    return std::array<unsigned, 4>{UINT_MAX};
  auto& pci = o->attr->pcidev;
  return std::array<unsigned, 4>{pci.domain, pci.bus, pci.dev, pci.func};
}

/// The GPUs, in the order of the bus, which is that of CUDA_DEVICE_ORDER=PCI_BUS_ID. hwloc lists
/// those near the first cores first.
std::vector<hwloc_obj_t> gpus_of(hwloc_topology_t t) {
  auto found = known_gpus(t);
  for (auto* o = found.empty() ? hwloc_get_next_pcidev(t, nullptr) : nullptr; o != nullptr;
       o = hwloc_get_next_pcidev(t, o))
    if (is_gpu(o->attr->pcidev.class_id, driver_of(o->attr->pcidev)))
      found.push_back(o);
  std::stable_sort(found.begin(), found.end(),
                   [](hwloc_obj_t a, hwloc_obj_t b) { return bus_place(a) < bus_place(b); });
  return found;
}

/// The CPUs of a core that tasks may have.
idset cpus_of(hwloc_const_bitmap_t core, hwloc_const_bitmap_t allowed) {
  idset all, ours;
  for (int cpu = hwloc_bitmap_first(core); cpu >= 0; cpu = hwloc_bitmap_next(core, cpu)) {
    all.add(static_cast<uint32_t>(cpu));
    if (hwloc_bitmap_isset(allowed, static_cast<unsigned>(cpu)) != 0)
      ours.add(static_cast<uint32_t>(cpu));
  }
  return ours.empty() ? all : ours;
}

/// The cores (or processing units, where hwloc knows no cores) with all their CPUs in the set.
idset cores_within(hwloc_topology_t t, hwloc_const_bitmap_t set, hwloc_obj_type_t cores) {
  idset here;
  for (auto* c = hwloc_get_next_obj_by_type(t, cores, nullptr); c != nullptr;
       c = hwloc_get_next_obj_by_type(t, cores, c))
    if (hwloc_bitmap_isincluded(c->cpuset, set))
      here.add(c->logical_index);
  return here;
}

/// Those of each socket or numanode.
std::vector<idset> cores_of_each(hwloc_topology_t t, hwloc_obj_type_t of, hwloc_obj_type_t cores) {
  std::vector<idset> all;
  for (auto* o = hwloc_get_next_obj_by_type(t, of, nullptr); o != nullptr;
       o = hwloc_get_next_obj_by_type(t, of, o))
    all.push_back(cores_within(t, o->cpuset, cores));
  return all;
}

caf::error restrict_to(hwloc_topology_t t, const idset& cpus) {
  auto* kept = hwloc_bitmap_alloc();
  for (auto cpu : cpus.expand())
    hwloc_bitmap_set(kept, cpu);
  // Devices and memory that are near none of them go as well.
  auto failed = hwloc_topology_restrict(t, kept, HWLOC_RESTRICT_FLAG_REMOVE_CPULESS) != 0;
  auto code = errno;
  hwloc_bitmap_free(kept);
  if (failed)
    return make_errno_error(ec::system_failed,
                            "hwloc_topology_restrict to CPUs " + cpus.to_string(), code);
  return caf::none;
}

} // namespace

bool is_gpu(uint16_t pci_class, std::string_view driver) {
  constexpr uint16_t display = 0x0380, base_display = 0x03, base_accelerator = 0x12;
  auto base = pci_class >> 8;
  if (base != base_display && base != base_accelerator)
    return false;
  if (driver == "nvidia" || driver == "amdgpu")
    return true;
  // Intel's drivers serve the graphics beside the cores, too: those are of class VGA.
  return pci_class == display && (driver == "xe" || driver == "i915");
}

caf::expected<hardware> discover_hardware(look_at what) {
  hardware h;
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0)
    return make_errno_error(ec::system_failed, "gethostname", errno);
  h.hostname = name;
  auto t = load_topology(what);
  if (!t)
    return std::move(t.error());
  auto* top = t->get();
  auto* allowed = hwloc_bitmap_alloc();
  if (hwloc_get_cpubind(top, allowed, HWLOC_CPUBIND_PROCESS) != 0)
    hwloc_bitmap_copy(allowed, hwloc_topology_get_topology_cpuset(top));
  auto count = hwloc_get_nbobjs_by_type(top, HWLOC_OBJ_CORE);
  auto type = count > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
  if (count <= 0)
    count = hwloc_get_nbobjs_by_type(top, HWLOC_OBJ_PU);
  for (int i = 0; i < count; ++i) {
    auto* core = hwloc_get_obj_by_type(top, type, static_cast<unsigned>(i));
    h.cores.add(static_cast<uint32_t>(i));
    if (hwloc_bitmap_intersects(core->cpuset, allowed))
      h.bound_cores.add(static_cast<uint32_t>(i));
    h.core_cpus.push_back(cpus_of(core->cpuset, allowed));
  }
  hwloc_bitmap_free(allowed);
  h.sockets = cores_of_each(top, HWLOC_OBJ_PACKAGE, type);
  h.numanodes = cores_of_each(top, HWLOC_OBJ_NUMANODE, type);
  for (auto* gpu : gpus_of(top)) {
    h.gpus.add(static_cast<uint32_t>(h.gpu_cores.size()));
    h.gpu_cores.push_back(
        cores_within(top, hwloc_get_non_io_ancestor_obj(top, gpu)->cpuset, type));
  }
  return h;
}

caf::expected<std::string> discover_topology(const std::optional<idset>& cpus) {
  auto t = load_topology(look_at::cores_and_devices);
  if (!t)
    return std::move(t.error());
  if (cpus)
    if (auto e = restrict_to(t->get(), *cpus))
      return e;
  // What only a driver shows is told to the reader, which has no driver to ask.
  uint32_t number = 0;
  for (auto* gpu : gpus_of(t->get()))
    if (gpu->type == HWLOC_OBJ_PCI_DEVICE)
      hwloc_obj_add_info(gpu, gpu_mark, std::to_string(number++).c_str());
  char* buffer = nullptr;
  int size = 0;
  if (hwloc_topology_export_xmlbuffer(t->get(), &buffer, &size, 0) != 0)
    return make_errno_error(ec::system_failed, "hwloc_topology_export_xmlbuffer", errno);
  // The size counts the 0 at the end.
  std::string text(buffer, size > 0 ? static_cast<size_t>(size) - 1 : 0);
  hwloc_free_xmlbuffer(t->get(), buffer);
  return text;
}

} // namespace hactor
