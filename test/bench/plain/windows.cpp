// Windows and convolutions.
#include <algorithm>
#include <limits>

#include "bench/plain/loops.h"

namespace gpu_node::bench {
namespace {

// Sizes: rows and columns; windows of 3 x 3 around each element, cut off at the edges.
template <typename Number, typename Function>
void around(Job& job, Number first, Function function) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  const Element* x = job.operand(0);
  Element* y = job.result(rows * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      Number acc = first;
      for (int64_t a = std::max<int64_t>(i - 1, 0); a <= std::min(i + 1, rows - 1); ++a)
        for (int64_t b = std::max<int64_t>(j - 1, 0); b <= std::min(j + 1, columns - 1); ++b)
          acc = function(x[a * columns + b].real, acc);
      y[i * columns + j].real = static_cast<float>(acc);
    }
}

void window_sum(Job& job) {
  around(job, 0.0, [](float x, double acc) { return acc + x; });
}

void window_max(Job& job) {
  around(job, -std::numeric_limits<float>::infinity(), [](float x, float acc) { return std::max(x, acc); });
}

// Sizes: rows and columns; windows of 3 x 3 that lie inside, row by row.
void window_fold(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  const Element* x = job.operand(0);
  Element* y = job.result((rows - 2) * (columns - 2));
  for (int64_t i = 0; i + 2 < rows; ++i)
    for (int64_t j = 0; j + 2 < columns; ++j) {
      float acc = 0;
      for (int64_t a = i; a < i + 3; ++a)
        for (int64_t b = j; b < j + 3; ++b) acc = kept(x[a * columns + b].real, acc);
      y++->real = acc;
    }
}

// Of each window of 2 x 2, which do not overlap, the greatest element gets what the second operand has for the window.
void window_scatter(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  const Element* x = job.operand(0);
  Element* y = job.result(rows * columns);
  std::fill_n(y, rows * columns, Element{.real = 0.0F});
  for (int64_t i = 0; i + 1 < rows; i += 2)
    for (int64_t j = 0; j + 1 < columns; j += 2) {
      int64_t best = i * columns + j;
      for (const int64_t at : {best + 1, best + columns, best + columns + 1})
        if (x[at].real > x[best].real) best = at;
      y[best].real += job.operand(1)[i / 2 * (columns / 2) + j / 2].real;
    }
}

// Sizes: channels, filters, rows, columns. One image, kernels of 3 x 3 around each element.
void convolution(Job& job) {
  const int64_t channels = job.sizes[0], filters = job.sizes[1], rows = job.sizes[2], columns = job.sizes[3];
  const Element* x = job.operand(0);
  const Element* k = job.operand(1);
  Element* y = job.result(filters * rows * columns);
  for (int64_t f = 0; f < filters; ++f)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) {
        float acc = 0;
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t a = -1; a <= 1; ++a)
            for (int64_t b = -1; b <= 1; ++b) {
              if (i + a < 0 || i + a >= rows || j + b < 0 || j + b >= columns) continue;
              acc +=
                  x[(c * rows + i + a) * columns + j + b].real * k[((f * channels + c) * 3 + a + 1) * 3 + b + 1].real;
            }
        y[(f * rows + i) * columns + j].real = acc;
      }
}

constexpr Loop kLoops[] = {
    {"window_sum", window_sum},         {"window_max", window_max}, {"window_fold", window_fold},
    {"window_scatter", window_scatter}, {"conv", convolution},
};

}  // namespace

std::span<const Loop> window_loops() { return kLoops; }

}  // namespace gpu_node::bench
