// Decompositions of square matrices, as textbooks have them. Sizes: how many matrices, and their rows.
#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "bench/plain/loops.h"

namespace gpu_node::bench {
namespace {

// A row-major square matrix in somebody else's memory.
struct Matrix {
  Element* elements;
  int64_t n;
  float& operator()(int64_t i, int64_t j) const { return elements[i * n + j].real; }
};

// |function| of each matrix of the first operand, copied to the first result.
template <typename Function>
void each_copied(Job& job, Function function) {
  const int64_t count = job.sizes[0], n = job.sizes[1];
  Element* y = job.result(count * n * n);
  std::copy_n(job.operand(0), count * n * n, y);
  for (int64_t m = 0; m < count; ++m) function(Matrix{y + m * n * n, n}, m);
}

void cholesky(Job& job) {
  each_copied(job, [](Matrix a, int64_t) {
    for (int64_t j = 0; j < a.n; ++j) {
      float diagonal = a(j, j);
      for (int64_t k = 0; k < j; ++k) diagonal -= a(j, k) * a(j, k);
      a(j, j) = std::sqrt(diagonal);
      for (int64_t i = j + 1; i < a.n; ++i) {
        float value = a(i, j);
        for (int64_t k = 0; k < j; ++k) value -= a(i, k) * a(j, k);
        a(i, j) = value / a(j, j);
      }
      for (int64_t i = 0; i < j; ++i) a(i, j) = 0;
    }
  });
}

// Rows change places by the greatest element of a column. Results: L and U, one matrix each.
void lu(Job& job) {
  const int64_t count = job.sizes[0], n = job.sizes[1];
  std::fill_n(job.result(count * n * n, 1), count * n * n, Element{.real = 0});
  each_copied(job, [&](Matrix lower, int64_t m) {
    const Matrix a{job.results[1].data() + m * n * n, n};
    std::copy_n(lower.elements, n * n, a.elements);
    std::fill_n(lower.elements, n * n, Element{.real = 0});
    for (int64_t k = 0; k < n; ++k) {
      int64_t best = k;
      for (int64_t i = k + 1; i < n; ++i)
        if (std::fabs(a(i, k)) > std::fabs(a(best, k))) best = i;
      for (int64_t j = 0; j < n; ++j) std::swap(a(k, j), a(best, j));
      for (int64_t j = 0; j < k; ++j) std::swap(lower(k, j), lower(best, j));
      lower(k, k) = 1;
      for (int64_t i = k + 1; i < n; ++i) {
        const float factor = a(i, k) / a(k, k);
        lower(i, k) = factor;
        a(i, k) = 0;
        for (int64_t j = k + 1; j < n; ++j) a(i, j) -= factor * a(k, j);
      }
    }
  });
}

// L x = b of a vector for each matrix, forwards.
void triangular_solve(Job& job) {
  const int64_t count = job.sizes[0], n = job.sizes[1];
  const Element* a = job.operand(0);
  Element* x = job.result(count * n);
  std::copy_n(job.operand(1), count * n, x);
  for (int64_t m = 0; m < count; ++m, a += n * n, x += n)
    for (int64_t i = 0; i < n; ++i) {
      float value = x[i].real;
      for (int64_t k = 0; k < i; ++k) value -= a[i * n + k].real * x[k].real;
      x[i].real = value / a[i * n + i].real;
    }
}

// By reflections. Results: R, then Q.
void qr(Job& job) {
  const int64_t count = job.sizes[0], n = job.sizes[1];
  job.result(count * n * n, 1);
  std::vector<float> v(static_cast<size_t>(n));
  each_copied(job, [&](Matrix r, int64_t m) {
    const Matrix q{job.results[1].data() + m * n * n, n};
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) q(i, j) = i == j ? 1.0F : 0.0F;
    for (int64_t k = 0; k + 1 < n; ++k) {
      float norm = 0;
      for (int64_t i = k; i < n; ++i) norm += r(i, k) * r(i, k);
      norm = std::sqrt(norm);
      if (norm == 0) continue;
      for (int64_t i = k; i < n; ++i) v[static_cast<size_t>(i)] = r(i, k);
      v[static_cast<size_t>(k)] += r(k, k) < 0 ? -norm : norm;
      float square = 0;
      for (int64_t i = k; i < n; ++i) square += v[static_cast<size_t>(i)] * v[static_cast<size_t>(i)];
      for (int64_t j = k; j < n; ++j) {
        float along = 0;
        for (int64_t i = k; i < n; ++i) along += v[static_cast<size_t>(i)] * r(i, j);
        along *= 2 / square;
        for (int64_t i = k; i < n; ++i) r(i, j) -= along * v[static_cast<size_t>(i)];
      }
      for (int64_t i = 0; i < n; ++i) {
        float along = 0;
        for (int64_t j = k; j < n; ++j) along += q(i, j) * v[static_cast<size_t>(j)];
        along *= 2 / square;
        for (int64_t j = k; j < n; ++j) q(i, j) -= along * v[static_cast<size_t>(j)];
      }
    }
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < i; ++j) r(i, j) = 0;
  });
}

// Turns that make |p| and |q| orthogonal, by the tangent of the angle from the three products.
struct Turn {
  float cosine, sine;
  Turn(float pp, float qq, float pq) {
    const float t = (qq - pp) / (2 * pq);
    const float tangent = std::copysign(1.0F, t) / (std::fabs(t) + std::sqrt(1 + t * t));
    cosine = 1 / std::sqrt(1 + tangent * tangent);
    sine = tangent * cosine;
  }
  void operator()(float& p, float& q) const {
    std::tie(p, q) = std::pair(cosine * p - sine * q, sine * p + cosine * q);
  }
};

// What is left of a product after its turn is about this much of both: to go on below it would never end.
constexpr int kSweeps = 30;
constexpr float kSmall = 1e-6F;

// By turns of two rows and columns (Jacobi). Results: eigenvalues, the greatest magnitude first, then eigenvectors as
// columns.
void eigh(Job& job) {
  const int64_t count = job.sizes[0], n = job.sizes[1];
  Element* values = job.result(count * n);
  Element* vectors = job.result(count * n * n, 1);
  Elements work(static_cast<size_t>(n * n));
  for (int64_t m = 0; m < count; ++m, values += n, vectors += n * n) {
    const Matrix a{work.data(), n}, v{vectors, n};
    std::copy_n(job.operand(0) + m * n * n, n * n, a.elements);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) v(i, j) = i == j ? 1.0F : 0.0F;
    bool turned = true;
    for (int sweep = 0; turned && sweep < kSweeps; ++sweep) {
      turned = false;
      for (int64_t p = 0; p < n; ++p)
        for (int64_t q = p + 1; q < n; ++q) {
          if (std::fabs(a(p, q)) <= kSmall * std::sqrt(std::fabs(a(p, p) * a(q, q)))) continue;
          turned = true;
          const Turn turn(a(p, p), a(q, q), a(p, q));
          for (int64_t k = 0; k < n; ++k) turn(a(k, p), a(k, q));
          for (int64_t k = 0; k < n; ++k) turn(a(p, k), a(q, k));
          for (int64_t k = 0; k < n; ++k) turn(v(k, p), v(k, q));
        }
    }
    for (int64_t i = 0; i < n; ++i) values[i].real = a(i, i);
    std::sort(values, values + n, [](Element x, Element y) { return std::fabs(x.real) > std::fabs(y.real); });
  }
}

// By turns of two columns (one-sided Jacobi). Results: singular values, the greatest first, then U S and V as columns.
void svd(Job& job) {
  const int64_t count = job.sizes[0], n = job.sizes[1];
  Element* values = job.result(count * n);
  Element* left = job.result(count * n * n, 1);
  Element* right = job.result(count * n * n, 2);
  std::copy_n(job.operand(0), count * n * n, left);
  for (int64_t m = 0; m < count; ++m, values += n, left += n * n, right += n * n) {
    const Matrix a{left, n}, v{right, n};
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) v(i, j) = i == j ? 1.0F : 0.0F;
    bool turned = true;
    for (int sweep = 0; turned && sweep < kSweeps; ++sweep) {
      turned = false;
      for (int64_t p = 0; p < n; ++p)
        for (int64_t q = p + 1; q < n; ++q) {
          float pp = 0, qq = 0, pq = 0;
          for (int64_t k = 0; k < n; ++k) {
            pp += a(k, p) * a(k, p);
            qq += a(k, q) * a(k, q);
            pq += a(k, p) * a(k, q);
          }
          if (std::fabs(pq) <= kSmall * std::sqrt(pp * qq)) continue;
          turned = true;
          const Turn turn(pp, qq, pq);
          for (int64_t k = 0; k < n; ++k) turn(a(k, p), a(k, q));
          for (int64_t k = 0; k < n; ++k) turn(v(k, p), v(k, q));
        }
    }
    for (int64_t j = 0; j < n; ++j) {
      float square = 0;
      for (int64_t k = 0; k < n; ++k) square += a(k, j) * a(k, j);
      values[j].real = std::sqrt(square);
    }
    std::sort(values, values + n, [](Element x, Element y) { return x.real > y.real; });
  }
}

constexpr Loop kLoops[] = {
    {"cholesky", cholesky}, {"lu", lu},   {"triangular_solve", triangular_solve}, {"qr", qr},
    {"eigh", eigh},         {"svd", svd},
};

}  // namespace

std::span<const Loop> factor_loops() { return kLoops; }

}  // namespace gpu_node::bench
