// Products and Fourier transforms.
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>

#include "bench/plain/loops.h"

namespace gpu_node::bench {
namespace {

// Sizes: rows, what is summed over, columns. The innermost loop goes along rows of both, which a compiler makes vectors
// of.
void dot(Job& job) {
  const int64_t rows = job.sizes[0], inner = job.sizes[1], columns = job.sizes[2];
  const Element* a = job.operand(0);
  const Element* b = job.operand(1);
  Element* y = job.result(rows * columns);
  for (int64_t i = 0; i < rows; ++i) {
    Element* row = y + i * columns;
    for (int64_t j = 0; j < columns; ++j) row[j].real = 0;
    for (int64_t k = 0; k < inner; ++k) {
      const float factor = a[i * inner + k].real;
      for (int64_t j = 0; j < columns; ++j) row[j].real += factor * b[k * columns + j].real;
    }
  }
}

// Sizes: rows, and their length, a power of two. Of real rows; the result is complex. Butterflies of two, in place,
// with factors that are computed once.
void fft(Job& job) {
  using Complex = std::complex<float>;
  const int64_t rows = job.sizes[0], length = job.sizes[1];
  const Element* x = job.operand(0);
  Element* y = job.result(2 * rows * length);
  std::vector<Complex> factors(static_cast<size_t>(length / 2)), row(static_cast<size_t>(length));
  for (int64_t i = 0; i < length / 2; ++i) {
    const std::complex<double> factor =
        std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length));
    factors[static_cast<size_t>(i)] = Complex(factor);
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0, turned = 0; i < length; ++i) {
      row[static_cast<size_t>(turned)] = x[r * length + i].real;
      int64_t bit = length / 2;
      for (; bit > 0 && (turned & bit) != 0; bit /= 2) turned ^= bit;
      turned |= bit;
    }
    for (int64_t half = 1; half < length; half *= 2)
      for (int64_t start = 0; start < length; start += 2 * half)
        for (int64_t i = 0; i < half; ++i) {
          Complex& low = row[static_cast<size_t>(start + i)];
          Complex& high = row[static_cast<size_t>(start + i + half)];
          const Complex f = factors[static_cast<size_t>(i * (length / 2 / half))];
          // By hand: the operator looks for infinities.
          const Complex product(f.real() * high.real() - f.imag() * high.imag(),
                                f.real() * high.imag() + f.imag() * high.real());
          high = low - product;
          low += product;
        }
    for (int64_t i = 0; i < length; ++i) {
      y[2 * (r * length + i)].real = row[static_cast<size_t>(i)].real();
      y[2 * (r * length + i) + 1].real = row[static_cast<size_t>(i)].imag();
    }
  }
}

constexpr Loop kLoops[] = {{"dot", dot}, {"fft", fft}};

}  // namespace

std::span<const Loop> matrix_loops() { return kLoops; }

}  // namespace gpu_node::bench
