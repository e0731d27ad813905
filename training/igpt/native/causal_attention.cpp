// Causal attention in bfloat16, forward and backward, for processors that run `vdpbf16ps` at full rate.
//
// A work item is one head of one picture, computed by one thread; nothing is shared between items. As in
// FlashAttention, scores exist only for a block of 64 keys by 64 queries at a time, in the first-level cache, and the way
// back computes them again from the logarithm of each query's sum that the way forward leaves.
//
// `vdpbf16ps` multiplies pairs of bfloat16 that share a 32-bit word and adds both products to a float. So every factor of
// a product has neighbours along the contracted dimension in one word, and there is one inner kernel, `multiply`: a word
// of the left factor, broadcast, times 32 words of the right one, for 8 rows. Scores are kept transposed, [key][query],
// so that maxima, sums and the gradients of the softmax run over whole vectors of queries:
//
//   scores [key][query]          = key rows x query columns               contracted over channels
//   output [query][channel]      = weight pairs x value pairs             contracted over keys
//   value gradient [key][ch.]    = weight rows x output gradient pairs    contracted over queries
//
// and the same three forms for the gradients of weights, queries and keys. Layouts, all of 32-bit words:
//   rows     [position][channel / 2]                as they come
//   columns  [position / 64][channel / 2][64]       the transpose of rows, in blocks of 64 positions
//   pairs    [position / 2][channel]                two neighbouring positions in a word
#include <immintrin.h>

#include <cmath>
#include <cstdint>

#include "buffer.h"

namespace {

using bf16 = uint16_t;
using word = uint32_t;

constexpr int BLOCK = 64;
constexpr float NEVER = -1e30f;

INLINE __m512bh pairsAt(const void* p) { return (__m512bh)_mm512_loadu_si512(p); }

// 2^x for x < 127, relative error 3e-6; the polynomial is that of the fraction, in 0..1.
INLINE __m512 exp2(__m512 x) {
  __m512 f = _mm512_reduce_ps(x, 0x09);
  __m512 p = _mm512_set1_ps(1.35341680e-2f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.20114611e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.41442756e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.93003835e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.00000259f));
  return _mm512_scalef_ps(p, x);
}

// sums [8][32] += left [8][count] times right [count][32]; `row` and `step` are the strides of left, `stride` of right.
INLINE void multiply(const word* left, int row, int step, const word* right, int stride, int count, __m512 (&sums)[8][2]) {
  for (int k = 0; k < count; k++) {
    const __m512bh r0 = pairsAt(right + k * stride), r1 = pairsAt(right + k * stride + 16);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      const __m512bh factor = (__m512bh)_mm512_set1_epi32(static_cast<int>(left[i * row + k * step]));
      sums[i][0] = _mm512_dpbf16_ps(sums[i][0], factor, r0);
      sums[i][1] = _mm512_dpbf16_ps(sums[i][1], factor, r1);
    }
  }
}

INLINE void clear(__m512 (&sums)[8][2]) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) sums[i][0] = sums[i][1] = _mm512_setzero_ps();
}

// out [64][width] += left, 64 rows of 32 words (strides `row`, `step`), times right [32][width].
template <int WIDTH>
INLINE void accumulate(const word* left, int row, int step, const word* right, float* out) {
  for (int c = 0; c < WIDTH; c += 32)
    for (int t = 0; t < BLOCK; t += 8) {
      __m512 sums[8][2];
      float* at = out + t * WIDTH + c;
#pragma GCC unroll 8
      for (int i = 0; i < 8; i++) {
        sums[i][0] = _mm512_load_ps(at + i * WIDTH);
        sums[i][1] = _mm512_load_ps(at + i * WIDTH + 16);
      }
      multiply(left + t * row, row, step, right + c, WIDTH, BLOCK / 2, sums);
#pragma GCC unroll 8
      for (int i = 0; i < 8; i++) {
        _mm512_store_ps(at + i * WIDTH, sums[i][0]);
        _mm512_store_ps(at + i * WIDTH + 16, sums[i][1]);
      }
    }
}

// 32 queries of two neighbouring keys, to words of both: lowest key in the low half.
INLINE void storePairs(word* out, __m512i even, __m512i odd) {
  const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8,  //
                                       39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  _mm512_store_si512(out, _mm512_permutex2var_epi16(even, low, odd));
  _mm512_store_si512(out + 16, _mm512_permutex2var_epi16(even, high, odd));
}

INLINE __m512i narrow(__m512 low, __m512 high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }

// Which of the 16 queries from `query` on may look at `key`: those from it on.
INLINE __mmask16 seeing(int query, int key) {
  const int hidden = key - query;
  return hidden <= 0 ? 0xffff : hidden >= 16 ? 0 : static_cast<__mmask16>(0xffff << hidden);
}

// Layouts of one head's [length][WIDTH], whose rows are `stride` bf16 apart in `source`.
template <int WIDTH>
void toRows(const bf16* source, long stride, int length, word* out) {
  for (int t = 0; t < length; t++) memcpy(out + t * WIDTH / 2, source + t * stride, WIDTH * sizeof(bf16));
}
template <int WIDTH>
void toColumns(const bf16* source, long stride, int length, word* out) {
  for (int first = 0; first < length; first += BLOCK, out += BLOCK * WIDTH / 2)
    for (int t = 0; t < BLOCK; t++) {
      const word* row = reinterpret_cast<const word*>(source + (first + t) * stride);
      for (int c = 0; c < WIDTH / 2; c++) out[c * BLOCK + t] = row[c];
    }
}
template <int WIDTH>
void toPairs(const bf16* source, long stride, int length, word* out) {
  for (int t = 0; t < length; t += 2, out += WIDTH)
    for (int c = 0; c < WIDTH; c += 32)
      storePairs(out + c, _mm512_loadu_si512(source + t * stride + c), _mm512_loadu_si512(source + (t + 1) * stride + c));
}
template <int WIDTH>
void fromFloats(const float* source, int length, float factor, bf16* out, long stride) {
  const __m512 by = _mm512_set1_ps(factor);
  for (int t = 0; t < length; t++)
    for (int c = 0; c < WIDTH; c += 32)
      _mm512_storeu_si512(out + t * stride + c, narrow(_mm512_mul_ps(by, _mm512_load_ps(source + t * WIDTH + c)),
                                                       _mm512_mul_ps(by, _mm512_load_ps(source + t * WIDTH + c + 16))));
}

template <int WIDTH>
struct Head {
  static constexpr int WORDS = WIDTH / 2;
  const int length;
  const float scale = 1.f / std::sqrt(static_cast<float>(WIDTH));
  const float logarithmic = 1.44269504f * scale;
  Buffer<word> keyRows, keyPairs, valueRows, valuePairs, queryColumns, queryPairs, gradientColumns, gradientPairs;
  Buffer<word> weightRows, weightPairs, slopeRows, slopePairs;
  Buffer<float> scores, block, sums, rowDots;

  explicit Head(int length)
      : length(length), keyRows(length * WORDS), keyPairs(length * WORDS), valueRows(length * WORDS),
        valuePairs(length * WORDS), queryColumns(length * WORDS), queryPairs(length * WORDS),
        gradientColumns(length * WORDS), gradientPairs(length * WORDS), weightRows(BLOCK * BLOCK / 2),
        weightPairs(BLOCK * BLOCK / 2), slopeRows(BLOCK * BLOCK / 2), slopePairs(BLOCK * BLOCK / 2),
        scores(BLOCK * BLOCK), block(2 * BLOCK * WIDTH), sums(length * WIDTH), rowDots(length) {}

  // Scores of a block for 32 of its queries, weighted with what the queries have seen before: `top` and `total` are the
  // largest score and the sum so far; `fading` gets the factor that what was summed before has now.
  template <bool DIAGONAL>
  void weigh(const word* keys, const word* queries, int column, float* top, float* total, float* fading) {
    __m512 largest[2] = {_mm512_set1_ps(NEVER), _mm512_set1_ps(NEVER)};
    for (int k = 0; k < BLOCK; k += 8) {
      __m512 sums[8][2];
      clear(sums);
      multiply(keys + k * WORDS, WORDS, 1, queries + column, BLOCK, WORDS, sums);
#pragma GCC unroll 8
      for (int i = 0; i < 8; i++)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
          if (DIAGONAL) sums[i][j] = _mm512_mask_mov_ps(_mm512_set1_ps(NEVER), seeing(column + j * 16, k + i), sums[i][j]);
          _mm512_store_ps(scores + (k + i) * 32 + j * 16, sums[i][j]);
          largest[j] = _mm512_max_ps(largest[j], sums[i][j]);
        }
    }
    const __m512 by = _mm512_set1_ps(logarithmic);
    __m512 sum[2];
    for (int j = 0; j < 2; j++) {
      const int at = column + j * 16;
      const __m512 before = _mm512_load_ps(top + at);
      largest[j] = _mm512_max_ps(before, _mm512_mul_ps(largest[j], by));
      const __m512 fade = exp2(_mm512_sub_ps(before, largest[j]));
      _mm512_store_ps(top + at, largest[j]);
      _mm512_store_ps(fading + at, fade);
      sum[j] = _mm512_mul_ps(_mm512_load_ps(total + at), fade);
    }
    for (int k = 0; k < BLOCK; k += 2) {
      __m512 weight[2][2];
#pragma GCC unroll 2
      for (int i = 0; i < 2; i++)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
          weight[i][j] = exp2(_mm512_fmsub_ps(_mm512_load_ps(scores + (k + i) * 32 + j * 16), by, largest[j]));
          sum[j] = _mm512_add_ps(sum[j], weight[i][j]);
        }
      storePairs(weightPairs + k / 2 * BLOCK + column, narrow(weight[0][0], weight[0][1]),
                 narrow(weight[1][0], weight[1][1]));
    }
    _mm512_store_ps(total + column, sum[0]);
    _mm512_store_ps(total + column + 16, sum[1]);
  }

  // out [length][stride], and logs [length]: log2 of each query's sum of exponentials.
  void forward(const bf16* query, const bf16* key, const bf16* value, long stride, bf16* out, long outStride, float* logs) {
    toColumns<WIDTH>(query, stride, length, queryColumns);
    toRows<WIDTH>(key, stride, length, keyRows);
    toPairs<WIDTH>(value, stride, length, valuePairs);
    float* const mixed = block;
    for (int first = 0; first < length; first += BLOCK) {
      alignas(64) float top[BLOCK], total[BLOCK] = {}, fading[BLOCK];
      for (float& value : top) value = NEVER;
      memset(mixed, 0, sizeof(float) * BLOCK * WIDTH);
      const word* queries = queryColumns + first * WORDS;
      for (int k = 0; k <= first; k += BLOCK) {
        const word* keys = keyRows + k * WORDS;
        for (int column = 0; column < BLOCK; column += 32)
          if (k == first) weigh<true>(keys, queries, column, top, total, fading);
          else weigh<false>(keys, queries, column, top, total, fading);
        for (int t = 0; t < BLOCK; t++)
          for (int c = 0; c < WIDTH; c += 16) {
            float* at = mixed + t * WIDTH + c;
            _mm512_store_ps(at, _mm512_mul_ps(_mm512_set1_ps(fading[t]), _mm512_load_ps(at)));
          }
        accumulate<WIDTH>(weightPairs, 1, BLOCK, valuePairs + k * WORDS, mixed);
      }
      for (int t = 0; t < BLOCK; t++) {
        logs[first + t] = top[t] + std::log2(total[t]);
        fromFloats<WIDTH>(mixed + t * WIDTH, 1, 1.f / total[t], out + (first + t) * outStride, 0);
      }
    }
  }

  // Weights and gradients of the scores ("slopes", without the factor of the scores) of a block.
  template <bool DIAGONAL>
  void slope(const word* keys, const word* values, const word* queries, const word* gradients, const float* logs,
             const float* dots) {
    const __m512 by = _mm512_set1_ps(logarithmic);
    for (int column = 0; column < BLOCK; column += 32) {
      const __m512 log[2] = {_mm512_loadu_ps(logs + column), _mm512_loadu_ps(logs + column + 16)};
      const __m512 dot[2] = {_mm512_load_ps(dots + column), _mm512_load_ps(dots + column + 16)};
      for (int k = 0; k < BLOCK; k += 8) {
        __m512 weights[8][2], sums[8][2];
        clear(sums);
        multiply(keys + k * WORDS, WORDS, 1, queries + column, BLOCK, WORDS, sums);
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
#pragma GCC unroll 2
          for (int j = 0; j < 2; j++) {
            weights[i][j] = exp2(_mm512_fmsub_ps(sums[i][j], by, log[j]));
            if (DIAGONAL) weights[i][j] = _mm512_maskz_mov_ps(seeing(column + j * 16, k + i), weights[i][j]);
          }
          _mm512_store_si512(weightRows + (k + i) * BLOCK / 2 + column / 2, narrow(weights[i][0], weights[i][1]));
        }
        clear(sums);
        multiply(values + k * WORDS, WORDS, 1, gradients + column, BLOCK, WORDS, sums);
#pragma GCC unroll 4
        for (int i = 0; i < 8; i += 2) {
          __m512i slopes[2];
#pragma GCC unroll 2
          for (int n = 0; n < 2; n++) {
            slopes[n] = narrow(_mm512_mul_ps(weights[i + n][0], _mm512_sub_ps(sums[i + n][0], dot[0])),
                               _mm512_mul_ps(weights[i + n][1], _mm512_sub_ps(sums[i + n][1], dot[1])));
            _mm512_store_si512(slopeRows + (k + i + n) * BLOCK / 2 + column / 2, slopes[n]);
          }
          storePairs(slopePairs + (k + i) / 2 * BLOCK + column, slopes[0], slopes[1]);
        }
      }
    }
  }

  // Gradients of query, key and value, with their strides, from `gradient`, that of `out`.
  void backward(const bf16* query, const bf16* key, const bf16* value, long stride, const bf16* out, const bf16* gradient,
                long outStride, const float* logs, bf16* queryGradient, bf16* keyGradient, bf16* valueGradient) {
    toColumns<WIDTH>(query, stride, length, queryColumns);
    toPairs<WIDTH>(query, stride, length, queryPairs);
    toRows<WIDTH>(key, stride, length, keyRows);
    toPairs<WIDTH>(key, stride, length, keyPairs);
    toRows<WIDTH>(value, stride, length, valueRows);
    toColumns<WIDTH>(gradient, outStride, length, gradientColumns);
    toPairs<WIDTH>(gradient, outStride, length, gradientPairs);
    for (int t = 0; t < length; t++) {
      __m512 dot = _mm512_setzero_ps();
      for (int c = 0; c < WIDTH; c += 32)
        dot = _mm512_dpbf16_ps(dot, pairsAt(out + t * outStride + c), pairsAt(gradient + t * outStride + c));
      rowDots[t] = _mm512_reduce_add_ps(dot);
    }
    memset(sums, 0, sizeof(float) * length * WIDTH);
    float *const keySums = block, *const valueSums = block + BLOCK * WIDTH;
    for (int k = 0; k < length; k += BLOCK) {
      memset(block, 0, sizeof(float) * 2 * BLOCK * WIDTH);
      const word *keys = keyRows + k * WORDS, *values = valueRows + k * WORDS;
      for (int first = k; first < length; first += BLOCK) {
        const word *queries = queryColumns + first * WORDS, *gradients = gradientColumns + first * WORDS;
        if (k == first) slope<true>(keys, values, queries, gradients, logs + first, rowDots + first);
        else slope<false>(keys, values, queries, gradients, logs + first, rowDots + first);
        accumulate<WIDTH>(weightRows, BLOCK / 2, 1, gradientPairs + first * WORDS, valueSums);
        accumulate<WIDTH>(slopeRows, BLOCK / 2, 1, queryPairs + first * WORDS, keySums);
        accumulate<WIDTH>(slopePairs, 1, BLOCK, keyPairs + k * WORDS, sums + first * WIDTH);
      }
      fromFloats<WIDTH>(keySums, BLOCK, scale, keyGradient + k * stride, stride);
      fromFloats<WIDTH>(valueSums, BLOCK, 1.f, valueGradient + k * stride, stride);
    }
    fromFloats<WIDTH>(sums, length, scale, queryGradient, stride);
  }
};

// Calls `job(head, picture, n)` for every head n of every picture.
template <int WIDTH, class Job>
void forEachHead(int pictures, int length, int heads, int threads, const Job& job) {
#pragma omp parallel num_threads(threads)
  {
    Head<WIDTH> head(length);
#pragma omp for schedule(dynamic)
    for (int item = 0; item < pictures * heads; item++) job(head, item / heads, item % heads);
  }
}

template <int WIDTH>
void forwardAll(const bf16* qkv, int pictures, int length, int heads, bf16* out, float* logs, int threads) {
  const long width = static_cast<long>(heads) * WIDTH;
  forEachHead<WIDTH>(pictures, length, heads, threads, [=](Head<WIDTH>& head, long picture, int n) {
    const bf16* query = qkv + picture * length * 3 * width + n * WIDTH;
    head.forward(query, query + width, query + 2 * width, 3 * width, out + picture * length * width + n * WIDTH, width,
                 logs + (picture * heads + n) * length);
  });
}

template <int WIDTH>
void backwardAll(const bf16* qkv, const bf16* out, const float* logs, const bf16* gradient, int pictures, int length,
                 int heads, bf16* qkvGradient, int threads) {
  const long width = static_cast<long>(heads) * WIDTH;
  forEachHead<WIDTH>(pictures, length, heads, threads, [=](Head<WIDTH>& head, long picture, int n) {
    const long packed = picture * length * 3 * width + n * WIDTH, plain = picture * length * width + n * WIDTH;
    const bf16* query = qkv + packed;
    bf16* to = qkvGradient + packed;
    head.backward(query, query + width, query + 2 * width, 3 * width, out + plain, gradient + plain, width,
                  logs + (picture * heads + n) * length, to, to + width, to + 2 * width);
  });
}

}  // namespace

extern "C" {

// qkv [pictures][length][3][heads][width] to out [pictures][length][heads][width] and logs [pictures][heads][length],
// what `igpt_attention_backward` needs of the softmax. Lengths are multiples of 64, widths 32 or 64.
void igpt_attention_forward(const uint16_t* qkv, int pictures, int length, int heads, int width, uint16_t* out, float* logs,
                            int threads) {
  (width == 32 ? forwardAll<32> : forwardAll<64>)(qkv, pictures, length, heads, out, logs, threads);
}

// The gradient of qkv from that of out.
void igpt_attention_backward(const uint16_t* qkv, const uint16_t* out, const float* logs, const uint16_t* gradient,
                             int pictures, int length, int heads, int width, uint16_t* qkvGradient, int threads) {
  (width == 32 ? backwardAll<32> : backwardAll<64>)(qkv, out, logs, gradient, pictures, length, heads, qkvGradient, threads);
}
}
