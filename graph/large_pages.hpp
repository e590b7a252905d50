// Memory of large arrays in pages of 2 MiB where the system has them: what a match asks for lies
// all over a large machine's arrays, and with small pages the processor waits for the place of each
// as long as for what is there.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#include <sys/mman.h>

namespace hactor {

template <class T>
struct large_page_allocator {
  using value_type = T;

  large_page_allocator() = default;
  template <class U>
  large_page_allocator(const large_page_allocator<U>&) {}

  T* allocate(size_t n) {
    auto bytes = n * sizeof(T);
    if (bytes < size_min)
      return std::allocator<T>{}.allocate(n);
    auto rounded = (bytes + page - 1) / page * page;
    auto* p = std::aligned_alloc(page, rounded);
    if (p == nullptr)
      throw std::bad_alloc{};
    ::madvise(p, rounded, MADV_HUGEPAGE); // a wish: without them it is slower
    return static_cast<T*>(p);
  }
  void deallocate(T* p, size_t n) {
    if (n * sizeof(T) < size_min)
      std::allocator<T>{}.deallocate(p, n);
    else
      std::free(p);
  }

  friend bool operator==(const large_page_allocator&, const large_page_allocator&) { return true; }

private:
  static constexpr size_t page = size_t{2} << 20;
  static constexpr size_t size_min = 4 * page;
};

template <class T>
using large_vector = std::vector<T, large_page_allocator<T>>;

} // namespace hactor
