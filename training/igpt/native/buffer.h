#pragma once
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#define INLINE static inline __attribute__((always_inline))

// Memory on 64-byte boundaries, freed with its owner.
template <class T>
struct Buffer {
  T* data = nullptr;
  size_t count = 0;
  Buffer() = default;
  explicit Buffer(size_t n) : count(n) {
    data = static_cast<T*>(aligned_alloc(64, (n * sizeof(T) + 63) / 64 * 64));
    if (!data) throw std::bad_alloc();
    memset(data, 0, n * sizeof(T));
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept : data(other.data), count(other.count) { other.data = nullptr; }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data, other.data);
    std::swap(count, other.count);
    return *this;
  }
  ~Buffer() { free(data); }
  operator T*() const { return data; }
};
