// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/hardware.hpp"

#include <cerrno>
#include <memory>

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
  hwloc_topology_set_io_types_filter(raw, what == look_at::cores
                                            ? HWLOC_TYPE_FILTER_KEEP_NONE
                                            : HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
  if (hwloc_topology_load(raw) != 0)
    return make_errno_error(ec::system_failed, "hwloc_topology_load", errno);
  return t;
}

/// A GPU is a co-processor or display device of the operating system; one card shows several such
/// devices (card0, renderD128, cuda0), which share their PCI parent.
idset find_gpus(hwloc_topology_t t) {
  idset found;
  uint32_t count = 0;
  hwloc_obj_t last_parent = nullptr;
  for (auto* o = hwloc_get_next_osdev(t, nullptr); o != nullptr; o = hwloc_get_next_osdev(t, o)) {
    if (o->attr->osdev.type != HWLOC_OBJ_OSDEV_COPROC)
      continue;
    if (o->parent != nullptr && o->parent == last_parent)
      continue;
    last_parent = o->parent;
    found.add(count++);
  }
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

/// The cores (or processing units, where hwloc knows no cores) of each socket or numanode.
std::vector<idset> cores_of_each(hwloc_topology_t t, hwloc_obj_type_t of, hwloc_obj_type_t cores) {
  std::vector<idset> all;
  for (auto* o = hwloc_get_next_obj_by_type(t, of, nullptr); o != nullptr;
       o = hwloc_get_next_obj_by_type(t, of, o)) {
    auto& here = all.emplace_back();
    for (auto* c = hwloc_get_next_obj_by_type(t, cores, nullptr); c != nullptr;
         c = hwloc_get_next_obj_by_type(t, cores, c))
      if (hwloc_bitmap_isincluded(c->cpuset, o->cpuset))
        here.add(c->logical_index);
  }
  return all;
}

} // namespace

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
  h.gpus = find_gpus(top);
  return h;
}

caf::expected<std::string> discover_topology() {
  auto t = load_topology(look_at::cores_and_devices);
  if (!t)
    return std::move(t.error());
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
