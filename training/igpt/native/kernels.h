// Building blocks of the native training step: half-precision products on AVX512-FP16.
//
// A core with AVX512-FP16 multiplies and adds 64 halves a cycle, twice as many as floats; its bfloat16 instruction runs
// at half that. Sums are kept in halves for at most CHUNK terms and then added to floats, so that a product is about as
// exact as one of bfloat16 factors.
//
// Layouts:
//  panels   a matrix [rows][columns] of halves as [columns / 64][rows][64], so that 64 neighbouring columns of
//           consecutive rows lie side by side
//  doubled  a left factor, in tiles of 8 rows, as [rows / 8][k][8] of 32-bit words that hold the same half twice:
//           a 32-bit broadcast is free in the load unit, a 16-bit one costs a shuffle
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "buffer.h"

using half = _Float16;

constexpr int PANEL = 64;
constexpr int CHUNK = 128;
constexpr int BLOCK = 128;

INLINE __m512h loadHalf(const half* p) { return _mm512_loadu_ph(p); }
INLINE __m512 widen(const half* p) { return _mm512_cvtxph_ps(_mm256_loadu_ph(p)); }
INLINE void narrow(half* p, __m512 v) { _mm256_storeu_ph(p, _mm512_cvtxps_ph(v)); }
INLINE __m512 lowFloats(__m512h v) {
  return _mm512_cvtxph_ps(_mm256_castsi256_ph(_mm512_castsi512_si256(_mm512_castph_si512(v))));
}
INLINE __m512 highFloats(__m512h v) {
  return _mm512_cvtxph_ps(_mm256_castsi256_ph(_mm512_extracti64x4_epi64(_mm512_castph_si512(v), 1)));
}
INLINE __m512h fillHalf(float v) { return _mm512_set1_ph(static_cast<half>(v)); }

// 2^x for 16 floats, relative error below 2e-6; x is clamped to what a float holds.
INLINE __m512 exp2Float(__m512 x) {
  x = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(127.f)), _mm512_set1_ps(-126.f));
  __m512 n = _mm512_roundscale_ps(x, 0);
  __m512 f = _mm512_sub_ps(x, n);
  __m512 p = _mm512_set1_ps(1.3333558e-3f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.6181291e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5504109e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022651e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314718e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.f));
  return _mm512_scalef_ps(p, n);
}

// 2^x for 32 halves with x <= 0, exact to a few units in the last place; below 2^-24 it is 0.
INLINE __m512h exp2Half(__m512h x) {
  x = _mm512_max_ph(x, fillHalf(-30.f));
  __m512h n = _mm512_roundscale_ph(x, 0);
  __m512h f = _mm512_sub_ph(x, n);
  __m512h p = fillHalf(9.6181291e-3f);
  p = _mm512_fmadd_ph(p, f, fillHalf(5.5504109e-2f));
  p = _mm512_fmadd_ph(p, f, fillHalf(2.4022651e-1f));
  p = _mm512_fmadd_ph(p, f, fillHalf(6.9314718e-1f));
  p = _mm512_fmadd_ph(p, f, fillHalf(1.f));
  return _mm512_scalef_ph(p, n);
}

// accumulators[8][64] = doubled tile a [k][8] times b [k][stride, 64 used].
INLINE void multiply8x64(const uint32_t* a, const half* b, long stride, int k, __m512h (&sums)[8][2]) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) sums[i][0] = sums[i][1] = _mm512_setzero_ph();
  for (int t = 0; t < k; t++) {
    __m512h b0 = loadHalf(b + t * stride), b1 = loadHalf(b + t * stride + 32);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      __m512h f = _mm512_castsi512_ph(_mm512_set1_epi32(static_cast<int>(a[t * 8 + i])));
      sums[i][0] = _mm512_fmadd_ph(f, b0, sums[i][0]);
      sums[i][1] = _mm512_fmadd_ph(f, b1, sums[i][1]);
    }
  }
}

// accumulators[16][32] = doubled tile a [k][16] times b [k][stride, 32 used].
INLINE void multiply16x32(const uint32_t* a, const half* b, long stride, int k, __m512h (&sums)[16]) {
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) sums[i] = _mm512_setzero_ph();
  for (int t = 0; t < k; t++) {
    __m512h b0 = loadHalf(b + t * stride);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
      sums[i] = _mm512_fmadd_ph(_mm512_castsi512_ph(_mm512_set1_epi32(static_cast<int>(a[t * 16 + i]))), b0, sums[i]);
  }
}

INLINE void transpose8x8(__m256i (&r)[8]) {
  __m256i t[8], u[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
    u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
    u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
    u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    r[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
    r[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
  }
}

// Doubles 8 rows of `columns` (a multiple of 16) halves: rows[i * stride + k] -> out[k][8].
INLINE void doubleRows8(const half* rows, long stride, int columns, uint32_t* out) {
  const __m512i pick = _mm512_set_epi16(15, 15, 13, 13, 11, 11, 9, 9, 7, 7, 5, 5, 3, 3, 1, 1,  //
                                        14, 14, 12, 12, 10, 10, 8, 8, 6, 6, 4, 4, 2, 2, 0, 0);
  for (int k = 0; k < columns; k += 16) {
    __m256i r[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows + i * stride + k));
    transpose8x8(r);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
      _mm512_storeu_si512(out + (k + 2 * i) * 8, _mm512_permutexvar_epi16(pick, _mm512_castsi256_si512(r[i])));
  }
}

// Doubles 16 rows of `columns` (a multiple of 16) halves: rows[i * stride + k] -> out[k][16].
INLINE void doubleRows16(const half* rows, long stride, int columns, uint32_t* out) {
  const __m512i low = _mm512_set1_epi32(0xffff);
  for (int k = 0; k < columns; k += 16) {
    __m256i r[8], s[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      r[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows + i * stride + k));
      s[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows + (i + 8) * stride + k));
    }
    transpose8x8(r);
    transpose8x8(s);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      __m512i pair = _mm512_inserti64x4(_mm512_castsi256_si512(r[i]), s[i], 1);
      __m512i even = _mm512_and_si512(pair, low), odd = _mm512_andnot_si512(low, pair);
      _mm512_storeu_si512(out + (k + 2 * i) * 16, _mm512_or_si512(even, _mm512_slli_epi32(even, 16)));
      _mm512_storeu_si512(out + (k + 2 * i + 1) * 16, _mm512_or_si512(odd, _mm512_srli_epi32(odd, 16)));
    }
  }
}

// Doubles 8 columns of `rows` rows: source[k * stride + i] -> out[k][8].
INLINE void doubleColumns8(const half* source, long stride, int rows, uint32_t* out) {
  for (int k = 0; k < rows; k++) {
    __m256i v = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source + k * stride)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + k * 8), _mm256_or_si256(v, _mm256_slli_epi32(v, 16)));
  }
}

// A left factor that is doubled a block of rows at a time.
struct RowsOf {  // the matrix in panels itself: element (m, k)
  const half* panels;
  long rows;
  void block(int first, int count, int k, uint32_t* out) const {
    for (int tile = 0; tile < count; tile += 8)
      for (int p = 0; p < k; p += PANEL)
        doubleRows8(panels + p * rows + (first + tile) * PANEL, PANEL, PANEL, out + tile * k + p * 8);
  }
};
struct ColumnsOf {  // the transpose of a matrix in panels: element (k, m)
  const half* panels;
  long rows;
  void block(int first, int count, int k, uint32_t* out) const {
    for (int tile = 0; tile < count; tile += 8) {
      int column = first + tile;
      doubleColumns8(panels + column / PANEL * PANEL * rows + column % PANEL, PANEL, k, out + tile * k);
    }
  }
};

// Workspace of `product`: one per thread.
struct Workspace {
  Buffer<uint32_t> left;
  Buffer<float> sums;
  explicit Workspace(int longest) : left(static_cast<size_t>(BLOCK) * longest), sums(BLOCK * PANEL) {}
};

// [m, n] = left [m, k] times right [k, n] in panels. `emit(row, column, v)` gets 64 columns of a row as four vectors.
template <class Left, class Emit>
static void product(int m, int n, int k, const Left& left, const half* right, Workspace& work, const Emit& emit) {
  uint32_t* doubled = work.left;
  float* sums = work.sums;
  for (int first = 0; first < m; first += BLOCK) {
    int count = m - first < BLOCK ? m - first : BLOCK;
    left.block(first, count, k, doubled);
    for (int column = 0; column < n; column += PANEL) {
      const half* panel = right + static_cast<long>(column) * k;
      for (int start = 0; start < k; start += CHUNK) {
        int length = k - start < CHUNK ? k - start : CHUNK;
        bool last = start + length == k;
        for (int tile = 0; tile < count; tile += 8) {
          __m512h acc[8][2];
          multiply8x64(doubled + tile * k + start * 8, panel + start * PANEL, PANEL, length, acc);
          float* kept = sums + tile * PANEL;
#pragma GCC unroll 8
          for (int i = 0; i < 8; i++) {
            __m512 v[4] = {lowFloats(acc[i][0]), highFloats(acc[i][0]), lowFloats(acc[i][1]), highFloats(acc[i][1])};
            if (start > 0)
              for (int j = 0; j < 4; j++) v[j] = _mm512_add_ps(v[j], _mm512_load_ps(kept + i * PANEL + j * 16));
            if (last)
              emit(first + tile + i, column, v);
            else
              for (int j = 0; j < 4; j++) _mm512_store_ps(kept + i * PANEL + j * 16, v[j]);
          }
        }
      }
    }
  }
}
