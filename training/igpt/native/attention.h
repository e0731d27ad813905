// Causal attention of one head of one picture, forward and backward.
//
// Scores are kept transposed, [key][64 queries]: then maxima and sums run over whole vectors, and every product has its
// doubled factor (keys, values) prepared once a head. Scores are in units of log 2, the factor being part of the queries.
#pragma once
#include <cmath>

#include "kernels.h"

struct Head {
  int length, width;
  Buffer<half> queriesT, gradientsT, scores, gradients;
  Buffer<uint32_t> keyRows, valueRows, keyColumns, valueColumns, tile;
  Buffer<float> keySums, valueSums, block;
  Buffer<half> rowDots;

  Head(int length, int width)
      : length(length), width(width), queriesT(width * length), gradientsT(width * length), scores(length * PANEL),
        gradients(length * PANEL), keyRows(length * width), valueRows(length * width), keyColumns(length * width),
        valueColumns(length * width), tile(PANEL * 16), keySums(length * width), valueSums(length * width),
        block(width * PANEL), rowDots(length) {}

  float logarithmic() const { return 1.44269504f / std::sqrt(static_cast<float>(width)); }

  // Transposes [length][PANEL stride] to [width][length], times a factor.
  void transpose(const half* source, half* out, float factor) const {
    for (int t0 = 0; t0 < length; t0 += 16)
      for (int c0 = 0; c0 < width; c0 += 16) {
        alignas(64) float part[16][16];
        for (int i = 0; i < 16; i++)
          _mm512_store_ps(part[i], _mm512_mul_ps(widen(source + (t0 + i) * PANEL + c0), _mm512_set1_ps(factor)));
        const __m512i rows = _mm512_mullo_epi32(_mm512_set1_epi32(16), _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
        for (int j = 0; j < 16; j++)
          narrow(out + (c0 + j) * length + t0, _mm512_i32gather_ps(rows, &part[0][j], 4));
      }
  }

  // Writes `block` [width][64] as rows first..first+63 of a matrix with PANEL stride, times `factor`.
  void scatter(half* out, int first, float factor) const {
    const __m512i rows = _mm512_mullo_epi32(_mm512_set1_epi32(PANEL), _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    for (int t = 0; t < PANEL; t++)
      for (int c = 0; c < width; c += 16)
        narrow(out + (first + t) * PANEL + c, _mm512_mul_ps(_mm512_i32gather_ps(rows, block + c * PANEL + t, 4), _mm512_set1_ps(factor)));
  }

  static void doubleRows(const half* source, int length, int width, uint32_t* out) {
    for (int t = 0; t < length; t += 8) doubleRows8(source + t * PANEL, PANEL, width, out + t * width);
  }
  static void doubleColumns(const half* source, int length, int width, uint32_t* out) {
    for (int c = 0; c < width; c += 8) doubleColumns8(source + c, PANEL, length, out + c * length);
  }

  // block [width][64] = doubled columns [width / 8][length][8] times right [keys][64].
  void weighted(const uint32_t* columns, const half* right, int keys) {
    for (int c = 0; c < width; c += 8)
      for (int start = 0; start < keys; start += CHUNK) {
        __m512h acc[8][2];
        int count = keys - start < CHUNK ? keys - start : CHUNK;
        multiply8x64(columns + c * length + start * 8, right + start * PANEL, PANEL, count, acc);
        for (int i = 0; i < 8; i++) {
          float* out = block + (c + i) * PANEL;
          __m512 v[4] = {lowFloats(acc[i][0]), highFloats(acc[i][0]), lowFloats(acc[i][1]), highFloats(acc[i][1])};
          for (int j = 0; j < 4; j++)
            _mm512_store_ps(out + j * 16, start ? _mm512_add_ps(v[j], _mm512_load_ps(out + j * 16)) : v[j]);
        }
      }
  }

  // Scores below the diagonal stay; a query may look at keys up to itself.
  INLINE void mask(__m512h (&acc)[8][2], int key, int first) {
    const __m512h never = fillHalf(-60000.f);
    for (int i = 0; i < 8; i++) {
      int lane = key + i - first;
      if (lane <= 0) continue;
      uint64_t seen = ~0ULL << lane;
      acc[i][0] = _mm512_mask_blend_ph(static_cast<__mmask32>(seen), never, acc[i][0]);
      acc[i][1] = _mm512_mask_blend_ph(static_cast<__mmask32>(seen >> 32), never, acc[i][1]);
    }
  }

  // out [length][PANEL stride]; keeps each query's largest score and one over its sum for the way back.
  void forward(const half* query, const half* key, const half* value, half* out, half* largest, half* inverse) {
    transpose(query, queriesT, logarithmic());
    doubleRows(key, length, width, keyRows);
    doubleColumns(value, length, width, valueColumns);
    for (int first = 0; first < length; first += PANEL) {
      int keys = first + PANEL;
      __m512h top0 = fillHalf(-60000.f), top1 = top0;
      for (int k = 0; k < keys; k += 8) {
        __m512h acc[8][2];
        multiply8x64(keyRows + k * width, queriesT + first, length, width, acc);
        if (k + 7 > first) mask(acc, k, first);
        for (int i = 0; i < 8; i++) {
          _mm512_store_ph(scores + (k + i) * PANEL, acc[i][0]);
          _mm512_store_ph(scores + (k + i) * PANEL + 32, acc[i][1]);
          top0 = _mm512_max_ph(top0, acc[i][0]);
          top1 = _mm512_max_ph(top1, acc[i][1]);
        }
      }
      _mm512_storeu_ph(largest + first, top0);
      _mm512_storeu_ph(largest + first + 32, top1);
      __m512 sums[4] = {};
      for (int k = 0; k < keys; k += 16) {
        __m512h part0 = _mm512_setzero_ph(), part1 = part0;
        for (int i = k; i < k + 16; i++) {
          __m512h p0 = exp2Half(_mm512_sub_ph(loadHalf(scores + i * PANEL), top0));
          __m512h p1 = exp2Half(_mm512_sub_ph(loadHalf(scores + i * PANEL + 32), top1));
          _mm512_store_ph(scores + i * PANEL, p0);
          _mm512_store_ph(scores + i * PANEL + 32, p1);
          part0 = _mm512_add_ph(part0, p0);
          part1 = _mm512_add_ph(part1, p1);
        }
        sums[0] = _mm512_add_ps(sums[0], lowFloats(part0));
        sums[1] = _mm512_add_ps(sums[1], highFloats(part0));
        sums[2] = _mm512_add_ps(sums[2], lowFloats(part1));
        sums[3] = _mm512_add_ps(sums[3], highFloats(part1));
      }
      weighted(valueColumns, scores, keys);
      for (int j = 0; j < 4; j++) {
        __m512 over = _mm512_div_ps(_mm512_set1_ps(1.f), sums[j]);
        narrow(inverse + first + j * 16, over);
        for (int c = 0; c < width; c++) {
          float* p = block + c * PANEL + j * 16;
          _mm512_store_ps(p, _mm512_mul_ps(over, _mm512_load_ps(p)));
        }
      }
      scatter(out, first, 1.f);
    }
  }

  INLINE void addTile(float* out, const __m512h (&acc)[16], int stride) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
      float* p = out + i * stride;
      _mm512_storeu_ps(p, _mm512_add_ps(_mm512_loadu_ps(p), lowFloats(acc[i])));
      _mm512_storeu_ps(p + 16, _mm512_add_ps(_mm512_loadu_ps(p + 16), highFloats(acc[i])));
    }
  }

  // sums [keys][width] += transposed-score-like [keys][64] times right [64][PANEL stride].
  void outer(const half* left, const half* right, int keys, float* sums) {
    for (int k = 0; k < keys; k += 16) {
      doubleRows16(left + k * PANEL, PANEL, PANEL, tile);
      for (int c = 0; c < width; c += 32) {
        __m512h acc[16];
        multiply16x32(tile, right + c, PANEL, PANEL, acc);
        addTile(sums + k * width + c, acc, width);
      }
    }
  }

  // Gradients of query, key and value (all with PANEL stride) from the gradient of the output.
  void backward(const half* query, const half* key, const half* value, const half* out, const half* gradient,
                const half* largest, const half* inverse, half* queryGradient, half* keyGradient, half* valueGradient) {
    transpose(query, queriesT, logarithmic());
    transpose(gradient, gradientsT, 1.f);
    doubleRows(key, length, width, keyRows);
    doubleRows(value, length, width, valueRows);
    doubleColumns(key, length, width, keyColumns);
    for (int t = 0; t < length; t++) {
      __m512 dot = _mm512_setzero_ps();
      for (int c = 0; c < width; c += 16)
        dot = _mm512_fmadd_ps(widen(out + t * PANEL + c), widen(gradient + t * PANEL + c), dot);
      rowDots[t] = static_cast<half>(_mm512_reduce_add_ps(dot));
    }
    memset(keySums, 0, sizeof(float) * length * width);
    memset(valueSums, 0, sizeof(float) * length * width);
    const float scale = 1.f / std::sqrt(static_cast<float>(width));
    for (int first = 0; first < length; first += PANEL) {
      int keys = first + PANEL;
      const __m512h top[2] = {loadHalf(largest + first), loadHalf(largest + first + 32)};
      const __m512h over[2] = {loadHalf(inverse + first), loadHalf(inverse + first + 32)};
      const __m512h dots[2] = {loadHalf(rowDots + first), loadHalf(rowDots + first + 32)};
      for (int k = 0; k < keys; k += 8) {
        __m512h acc[8][2];
        multiply8x64(keyRows + k * width, queriesT + first, length, width, acc);
        if (k + 7 > first) mask(acc, k, first);
        for (int i = 0; i < 8; i++)
          for (int j = 0; j < 2; j++)
            _mm512_store_ph(scores + (k + i) * PANEL + j * 32,
                            _mm512_mul_ph(over[j], exp2Half(_mm512_sub_ph(acc[i][j], top[j]))));
        multiply8x64(valueRows + k * width, gradientsT + first, length, width, acc);
        for (int i = 0; i < 8; i++)
          for (int j = 0; j < 2; j++)
            _mm512_store_ph(gradients + (k + i) * PANEL + j * 32,
                            _mm512_mul_ph(loadHalf(scores + (k + i) * PANEL + j * 32), _mm512_sub_ph(acc[i][j], dots[j])));
      }
      weighted(keyColumns, gradients, keys);
      scatter(queryGradient, first, scale);
      outer(scores, gradient + first * PANEL, keys, valueSums);
      outer(gradients, query + first * PANEL, keys, keySums);
    }
    for (int t = 0; t < length; t++)
      for (int c = 0; c < width; c += 16) {
        narrow(keyGradient + t * PANEL + c, _mm512_mul_ps(_mm512_set1_ps(scale), _mm512_load_ps(keySums + t * width + c)));
        narrow(valueGradient + t * PANEL + c, _mm512_load_ps(valueSums + t * width + c));
      }
  }
};
