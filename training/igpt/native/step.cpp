// Loss and gradients of an image GPT without biases, one picture a thread at a time.
//
// Weights and gradients are floats in the order of PyTorch's parameters(): wte, sos, wpe, per block (ln_1, qkv, proj,
// ln_2, fc, proj), ln_f, head. Activations are halves in panels (kernels.h), the residual stream and its gradient floats.
#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "attention.h"

namespace {

constexpr float EPSILON = 1e-5f;

struct Shape {
  int layers, width, heads, positions, colors;
  long block() const { return 12L * width * width + 2L * width; }
  long sos() const { return static_cast<long>(colors) * width; }
  long wpe() const { return sos() + width; }
  long blocks() const { return wpe() + static_cast<long>(positions) * width; }
  long ln1(int n) const { return blocks() + n * block(); }
  long qkv(int n) const { return ln1(n) + width; }
  long proj(int n) const { return qkv(n) + 3L * width * width; }
  long ln2(int n) const { return proj(n) + static_cast<long>(width) * width; }
  long fc(int n) const { return ln2(n) + width; }
  long out(int n) const { return fc(n) + 4L * width * width; }
  long lnf() const { return blocks() + layers * block(); }
  long head() const { return lnf() + width; }
  long total() const { return head() + static_cast<long>(colors) * width; }
};

// A weight [rows][columns] in halves: `forward` as right factor [columns, rows], `backward` as right factor [rows, columns].
struct Packed {
  Buffer<half> forward, backward;
  void pack(const float* weight, int rows, int columns) {
    if (!forward) {
      forward = Buffer<half>(static_cast<size_t>(rows) * columns);
      backward = Buffer<half>(static_cast<size_t>(rows) * columns);
    }
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < columns; c++) {
        half v = static_cast<half>(weight[static_cast<long>(r) * columns + c]);
        forward[static_cast<long>(r / PANEL) * PANEL * columns + c * PANEL + r % PANEL] = v;
        backward[static_cast<long>(c / PANEL) * PANEL * rows + r * PANEL + c % PANEL] = v;
      }
  }
};

struct Weights {
  struct Block {
    Packed qkv, proj, fc, out;
  };
  std::vector<Block> blocks;
  Packed head;
};

// What the way back needs of a block.
struct Kept {
  Buffer<float> input, middle, inputScale, middleScale;
  Buffer<half> normed1, qkv, mixed, normed2, hidden, active, largest, inverse;
  Kept(const Shape& s, int t)
      : input(t * s.width), middle(t * s.width), inputScale(t), middleScale(t), normed1(t * s.width),
        qkv(3 * t * s.width), mixed(t * s.width), normed2(t * s.width), hidden(4 * t * s.width),
        active(4 * t * s.width), largest(s.heads * t), inverse(s.heads * t) {}
};

class Worker {
 public:
  Worker(const Shape& shape, int length)
      : s(shape), length(length), d(shape.width), residual(length * d), gradient(length * d), change(length * d),
        finalScale(length), logits(length * s.colors), normed(length * d), half16(length * d),
        halfGradient(4 * length * d), logitGradient(length * s.colors), gradients(s.total()), head(length, d / s.heads),
        work(std::max({length, 4 * d, s.colors})) {
    for (int n = 0; n < s.layers; n++) kept.emplace_back(s, length);
  }

  void clear() { memset(gradients, 0, sizeof(float) * s.total()); }
  const float* result() const { return gradients; }

  // Sum of nats of a picture; `nats` [length] gets each pixel's when given, `features` [layers + 1][d] the means over the
  // positions of what every norm but the second of a block puts out; gradients only when `scale` is not 0.
  double picture(const float* w, const Weights& packed, const int64_t* tokens, float scale, float* nats,
                 float* features) {
    forward(w, packed, tokens, scale != 0, features);
    double loss = compare(tokens, scale, nats);
    if (scale != 0) backward(w, packed, tokens);
    return loss;
  }

 private:
  Shape s;
  int length, d;
  std::vector<Kept> kept;
  Buffer<float> residual, gradient, change, finalScale, logits;
  Buffer<half> normed, half16, halfGradient, logitGradient;
  Buffer<float> gradients;
  Head head;
  Workspace work;

  long panels(int column) const { return static_cast<long>(column / PANEL) * PANEL * length + column % PANEL; }

  void norm(const float* x, const float* gain, float* scales, half* out) {
    for (int t = 0; t < length; t++) {
      const float* row = x + static_cast<long>(t) * d;
      __m512 sum = _mm512_setzero_ps();
      for (int c = 0; c < d; c += 16) {
        __m512 v = _mm512_load_ps(row + c);
        sum = _mm512_fmadd_ps(v, v, sum);
      }
      scales[t] = 1.f / std::sqrt(_mm512_reduce_add_ps(sum) / d + EPSILON);
      __m512 scale = _mm512_set1_ps(scales[t]);
      for (int c = 0; c < d; c += 16)
        narrow(out + panels(c) + t * PANEL,
               _mm512_mul_ps(_mm512_mul_ps(_mm512_load_ps(row + c), scale), _mm512_loadu_ps(gain + c)));
    }
  }

  // gradient += (through the norm of x) `change`, or = when `fresh`.
  void normBackward(const float* x, const float* gain, const float* scales, float* gainGradient, bool fresh) {
    for (int t = 0; t < length; t++) {
      const float *row = x + static_cast<long>(t) * d, *up = change + static_cast<long>(t) * d;
      float* out = gradient + static_cast<long>(t) * d;
      __m512 scale = _mm512_set1_ps(scales[t]), sum = _mm512_setzero_ps();
      for (int c = 0; c < d; c += 16) {
        __m512 unit = _mm512_mul_ps(_mm512_load_ps(row + c), scale), g = _mm512_load_ps(up + c);
        __m512 product = _mm512_mul_ps(unit, g);
        _mm512_storeu_ps(gainGradient + c, _mm512_add_ps(_mm512_loadu_ps(gainGradient + c), product));
        sum = _mm512_fmadd_ps(product, _mm512_loadu_ps(gain + c), sum);
      }
      __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum) / d);
      for (int c = 0; c < d; c += 16) {
        __m512 unit = _mm512_mul_ps(_mm512_load_ps(row + c), scale);
        __m512 g = _mm512_mul_ps(_mm512_load_ps(up + c), _mm512_loadu_ps(gain + c));
        __m512 v = _mm512_mul_ps(scale, _mm512_fnmadd_ps(unit, mean, g));
        _mm512_store_ps(out + c, fresh ? v : _mm512_add_ps(v, _mm512_load_ps(out + c)));
      }
    }
  }

  auto toHalf(half* out) const {
    return [out, this](int row, int column, const __m512 (&v)[4]) {
      half* p = out + static_cast<long>(column) * length + row * PANEL;
      for (int j = 0; j < 4; j++) narrow(p + j * 16, v[j]);
    };
  }
  static auto toFloat(float* out, long stride) {
    return [=](int row, int column, const __m512 (&v)[4]) {
      for (int j = 0; j < 4; j++) _mm512_storeu_ps(out + row * stride + column + j * 16, v[j]);
    };
  }
  static auto addTo(float* out, long stride) {
    return [=](int row, int column, const __m512 (&v)[4]) {
      for (int j = 0; j < 4; j++) {
        float* p = out + row * stride + column + j * 16;
        _mm512_storeu_ps(p, _mm512_add_ps(_mm512_loadu_ps(p), v[j]));
      }
    };
  }

  static __m512 sigmoid(__m512 x) {
    __m512 e = exp2Float(_mm512_mul_ps(x, _mm512_set1_ps(-1.702f * 1.44269504f)));
    return _mm512_div_ps(_mm512_set1_ps(1.f), _mm512_add_ps(_mm512_set1_ps(1.f), e));
  }

  // Means over the positions of a matrix [length][d] in panels.
  void pool(const half* matrix, float* out) const {
    const __m512 share = _mm512_set1_ps(1.f / length);
    for (int column = 0; column < d; column += PANEL) {
      __m512 sums[4] = {};
      for (int t = 0; t < length; t++)
        for (int j = 0; j < 4; j++)
          sums[j] = _mm512_add_ps(sums[j], widen(matrix + panels(column) + t * PANEL + j * 16));
      for (int j = 0; j < 4; j++) _mm512_storeu_ps(out + column + j * 16, _mm512_mul_ps(share, sums[j]));
    }
  }

  // With `keep` everything that the way back needs; without, one block's memory serves them all.
  void forward(const float* w, const Weights& packed, const int64_t* tokens, bool keep, float* features) {
    for (int t = 0; t < length; t++) {
      const float* from = t ? w + tokens[t - 1] * d : w + s.sos();
      const float* place = w + s.wpe() + static_cast<long>(t) * d;
      float* x = s.layers ? kept[0].input + static_cast<long>(t) * d : residual + static_cast<long>(t) * d;
      for (int c = 0; c < d; c++) x[c] = from[c] + place[c];
    }
    const int hd = d / s.heads;
    for (int n = 0; n < s.layers; n++) {
      Kept& k = kept[keep ? n : 0];
      const auto& p = packed.blocks[n];
      norm(k.input, w + s.ln1(n), k.inputScale, k.normed1);
      if (features) pool(k.normed1, features + static_cast<long>(n) * d);
      product(length, 3 * d, d, RowsOf{k.normed1, length}, p.qkv.forward, work, toHalf(k.qkv));
      for (int h = 0; h < s.heads; h++)
        head.forward(k.qkv + panels(h * hd), k.qkv + panels(d + h * hd), k.qkv + panels(2 * d + h * hd),
                     k.mixed + panels(h * hd), k.largest + h * length, k.inverse + h * length);
      memcpy(k.middle, k.input, sizeof(float) * length * d);
      product(length, d, d, RowsOf{k.mixed, length}, p.proj.forward, work, addTo(k.middle, d));
      norm(k.middle, w + s.ln2(n), k.middleScale, k.normed2);
      half *hidden = k.hidden, *active = k.active;
      product(length, 4 * d, d, RowsOf{k.normed2, length}, p.fc.forward, work,
              [=](int row, int column, const __m512(&v)[4]) {
                long at = static_cast<long>(column) * length + row * PANEL;
                for (int j = 0; j < 4; j++) {
                  narrow(hidden + at + j * 16, v[j]);
                  narrow(active + at + j * 16, _mm512_mul_ps(v[j], sigmoid(v[j])));
                }
              });
      float* next = n + 1 < s.layers ? kept[keep ? n + 1 : 0].input : residual;
      memcpy(next, k.middle, sizeof(float) * length * d);
      product(length, d, 4 * d, RowsOf{k.active, length}, p.out.forward, work, addTo(next, d));
    }
    norm(residual, w + s.lnf(), finalScale, normed);
    if (features) pool(normed, features + static_cast<long>(s.layers) * d);
    product(length, s.colors, d, RowsOf{normed, length}, packed.head.forward, work, toFloat(logits, s.colors));
  }

  double compare(const int64_t* tokens, float scale, float* nats) {
    double loss = 0;
    const __m512 log2e = _mm512_set1_ps(1.44269504f);
    for (int t = 0; t < length; t++) {
      float* row = logits + static_cast<long>(t) * s.colors;
      float target = row[tokens[t]];
      __m512 top = _mm512_set1_ps(-3e38f), sum = _mm512_setzero_ps();
      for (int c = 0; c < s.colors; c += 16) top = _mm512_max_ps(top, _mm512_load_ps(row + c));
      float largest = _mm512_reduce_max_ps(top);
      top = _mm512_set1_ps(largest);
      for (int c = 0; c < s.colors; c += 16) {
        __m512 e = exp2Float(_mm512_mul_ps(_mm512_sub_ps(_mm512_load_ps(row + c), top), log2e));
        _mm512_store_ps(row + c, e);
        sum = _mm512_add_ps(sum, e);
      }
      float total = _mm512_reduce_add_ps(sum);
      float value = std::log(total) + largest - target;
      loss += value;
      if (nats) nats[t] = value;
      if (scale == 0) continue;
      __m512 factor = _mm512_set1_ps(scale / total);
      for (int c = 0; c < s.colors; c += 16)
        narrow(logitGradient + panels(c) + t * PANEL, _mm512_mul_ps(factor, _mm512_load_ps(row + c)));
      half& own = logitGradient[panels(static_cast<int>(tokens[t])) + t * PANEL];
      own = static_cast<half>(row[tokens[t]] * scale / total - scale);
    }
    return loss;
  }

  void narrowGradient() {
    for (int t = 0; t < length; t++)
      for (int c = 0; c < d; c += 16)
        narrow(half16 + panels(c) + t * PANEL, _mm512_load_ps(gradient + static_cast<long>(t) * d + c));
  }

  void backward(const float* w, const Weights& packed, const int64_t* tokens) {
    const int hd = d / s.heads;
    float* g = gradients;
    product(s.colors, d, length, ColumnsOf{logitGradient, length}, normed, work, addTo(g + s.head(), d));
    product(length, d, s.colors, RowsOf{logitGradient, length}, packed.head.backward, work, toFloat(change, d));
    normBackward(residual, w + s.lnf(), finalScale, g + s.lnf(), true);
    for (int n = s.layers - 1; n >= 0; n--) {
      Kept& k = kept[n];
      const auto& p = packed.blocks[n];
      narrowGradient();
      product(d, 4 * d, length, ColumnsOf{half16, length}, k.active, work, addTo(g + s.out(n), 4 * d));
      const half* hidden = k.hidden;
      half* out = halfGradient;
      product(length, 4 * d, d, RowsOf{half16, length}, p.out.backward, work,
              [=](int row, int column, const __m512(&v)[4]) {
                long at = static_cast<long>(column) * length + row * PANEL;
                for (int j = 0; j < 4; j++) {
                  __m512 x = widen(hidden + at + j * 16), y = sigmoid(x), one = _mm512_set1_ps(1.f);
                  __m512 slope = _mm512_mul_ps(_mm512_mul_ps(_mm512_set1_ps(1.702f), x), _mm512_sub_ps(one, y));
                  narrow(out + at + j * 16, _mm512_mul_ps(v[j], _mm512_mul_ps(y, _mm512_add_ps(one, slope))));
                }
              });
      product(4 * d, d, length, ColumnsOf{halfGradient, length}, k.normed2, work, addTo(g + s.fc(n), d));
      product(length, d, 4 * d, RowsOf{halfGradient, length}, p.fc.backward, work, toFloat(change, d));
      normBackward(k.middle, w + s.ln2(n), k.middleScale, g + s.ln2(n), false);

      narrowGradient();
      product(d, d, length, ColumnsOf{half16, length}, k.mixed, work, addTo(g + s.proj(n), d));
      half* mixedGradient = halfGradient + 3L * d * length;
      product(length, d, d, RowsOf{half16, length}, p.proj.backward, work, toHalf(mixedGradient));
      for (int h = 0; h < s.heads; h++) {
        long q = panels(h * hd), key = panels(d + h * hd), value = panels(2 * d + h * hd);
        head.backward(k.qkv + q, k.qkv + key, k.qkv + value, k.mixed + q, mixedGradient + q, k.largest + h * length,
                      k.inverse + h * length, halfGradient + q, halfGradient + key, halfGradient + value);
      }
      product(3 * d, d, length, ColumnsOf{halfGradient, length}, k.normed1, work, addTo(g + s.qkv(n), d));
      product(length, d, 3 * d, RowsOf{halfGradient, length}, p.qkv.backward, work, toFloat(change, d));
      normBackward(k.input, w + s.ln1(n), k.inputScale, g + s.ln1(n), false);
    }
    for (int t = 0; t < length; t++) {
      float* from = t ? g + tokens[t - 1] * d : g + s.sos();
      float* place = g + s.wpe() + static_cast<long>(t) * d;
      for (int c = 0; c < d; c++) {
        float v = gradient[static_cast<long>(t) * d + c];
        from[c] += v;
        place[c] += v;
      }
    }
  }
};

struct Step {
  Shape shape;
  int length;
  Weights packed;
  std::vector<std::unique_ptr<Worker>> workers;
};

}  // namespace

extern "C" {

// A step for pictures of `length` pixels, or null when the shape does not fit the kernels.
void* igpt_create(int layers, int width, int heads, int positions, int colors, int length, int threads) {
  bool fits = width % PANEL == 0 && colors % PANEL == 0 && length % PANEL == 0 && length <= positions &&
              width % heads == 0 && (width / heads == 32 || width / heads == 64) && threads > 0;
  if (!fits) return nullptr;
  auto step = std::make_unique<Step>();
  step->shape = {layers, width, heads, positions, colors};
  step->length = length;
  step->packed.blocks.resize(layers);
  for (int i = 0; i < threads; i++) step->workers.push_back(std::make_unique<Worker>(step->shape, length));
  return step.release();
}

void igpt_destroy(void* handle) { delete static_cast<Step*>(handle); }

long igpt_parameters(void* handle) { return static_cast<Step*>(handle)->shape.total(); }

// Sum of nats of `count` pictures [count][length]. `nats` [count][length] and `features` [count][layers + 1][width] may be
// null. With `scale` 0 that is all; otherwise `gradients` gets those of the mean over all pixels, computed in halves after
// multiplication by `scale`.
double igpt_run(void* handle, const float* weights, const int64_t* tokens, int count, float scale, float* gradients,
                float* nats, float* features) {
  Step& step = *static_cast<Step*>(handle);
  const Shape& s = step.shape;
  const long d = s.width;
  const int threads = static_cast<int>(step.workers.size());
  std::atomic<int> next{0}, chore{0};
  std::vector<double> losses(threads, 0.0);
  const int chores = s.layers * 4 + 1;
  auto together = [&](auto&& job) {
    std::vector<std::thread> others;
    for (int i = 1; i < threads; i++) others.emplace_back([&job, i] { job(i); });
    job(0);
    for (auto& other : others) other.join();
  };
  together([&](int) {
    for (int i; (i = chore++) < chores;) {
      int n = i / 4;
      if (i == chores - 1) step.packed.head.pack(weights + s.head(), s.colors, d);
      else if (i % 4 == 0) step.packed.blocks[n].qkv.pack(weights + s.qkv(n), 3 * d, d);
      else if (i % 4 == 1) step.packed.blocks[n].proj.pack(weights + s.proj(n), d, d);
      else if (i % 4 == 2) step.packed.blocks[n].fc.pack(weights + s.fc(n), 4 * d, d);
      else step.packed.blocks[n].out.pack(weights + s.out(n), d, 4 * d);
    }
  });
  together([&](int thread) {
    Worker& worker = *step.workers[thread];
    if (scale != 0) worker.clear();
    for (int i; (i = next++) < count;)
      losses[thread] += worker.picture(weights, step.packed, tokens + static_cast<long>(i) * step.length, scale,
                                       nats ? nats + static_cast<long>(i) * step.length : nullptr,
                                       features ? features + i * (s.layers + 1) * d : nullptr);
  });
  if (scale != 0) {
    const float factor = 1.f / (scale * count * step.length);
    const long total = s.total(), share = (total + threads - 1) / threads;
    together([&](int thread) {
      for (long i = thread * share; i < std::min(total, (thread + 1) * share); i++) {
        float sum = 0;
        for (auto& worker : step.workers) sum += worker->result()[i];
        gradients[i] = sum * factor;
      }
    });
  }
  double loss = 0;
  for (double part : losses) loss += part;
  return loss;
}
}
