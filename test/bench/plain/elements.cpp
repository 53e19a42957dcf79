// Element by element, sums, extremes, running sums and orders.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "bench/plain/loops.h"

namespace gpu_node::bench {
namespace {

template <typename Function>
void map(Job& job, Function function) {
  const int64_t count = job.count();
  const Element* x = job.operand(0);
  Element* y = job.result(count);
  for (int64_t i = 0; i < count; ++i) y[i] = function(x[i]);
}

template <typename Function>
void map_two(Job& job, Function function) {
  const int64_t count = job.count();
  const Element* a = job.operand(0);
  const Element* b = job.operand(1);
  Element* y = job.result(count);
  for (int64_t i = 0; i < count; ++i) y[i].real = function(a[i].real, b[i].real);
}

Element real(float value) { return {.real = value}; }

void exponential(Job& job) {
  map(job, [](Element x) { return real(std::exp(x.real)); });
}

void negate(Job& job) {
  map(job, [](Element x) { return real(-x.real); });
}

void clip(Job& job) {
  map(job, [](Element x) { return real(std::min(std::max(x.real, 0.25F), 0.75F)); });
}

// To s32; by thousand, so that it is not all zeros.
void to_integer(Job& job) {
  map(job, [](Element x) { return Element{.integer = static_cast<int32_t>(x.real)}; });
}

void add(Job& job) {
  map_two(job, [](float a, float b) { return a + b; });
}

void power(Job& job) {
  map_two(job, [](float a, float b) { return std::pow(a, b); });
}

// Operands: a flag, and what it chooses of.
void select(Job& job) {
  const int64_t count = job.count();
  const Element* flag = job.operand(0);
  const Element* a = job.operand(1);
  const Element* b = job.operand(2);
  Element* y = job.result(count);
  for (int64_t i = 0; i < count; ++i) y[i] = flag[i].integer != 0 ? a[i] : b[i];
}

// Sizes: the elements.
void iota(Job& job) {
  Element* y = job.result(job.sizes[0]);
  for (int64_t i = 0; i < job.sizes[0]; ++i) y[i].real = static_cast<float>(i);
}

// Sizes: the rows.
void eye(Job& job) {
  const int64_t n = job.sizes[0];
  Element* y = job.result(n * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) y[i * n + j].real = i == j ? 1.0F : 0.0F;
}

void sum(Job& job) {
  double total = 0;
  for (const Element& x : job.operands[0]) total += x.real;
  job.result(1)->real = static_cast<float>(total);
}

// Sizes: rows and columns.
void row_maxima(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  const Element* x = job.operand(0);
  Element* y = job.result(rows);
  for (int64_t i = 0; i < rows; ++i) {
    float most = x[i * columns].real;
    for (int64_t j = 1; j < columns; ++j) most = std::max(most, x[i * columns + j].real);
    y[i].real = most;
  }
}

void column_sums(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  const Element* x = job.operand(0);
  std::vector<double> totals(static_cast<size_t>(columns), 0);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) totals[static_cast<size_t>(j)] += x[i * columns + j].real;
  Element* y = job.result(columns);
  for (int64_t j = 0; j < columns; ++j) y[j].real = static_cast<float>(totals[static_cast<size_t>(j)]);
}

void argmax(Job& job) {
  const Element* x = job.operand(0);
  int64_t best = 0;
  for (int64_t i = 1; i < job.count(); ++i)
    if (x[i].real > x[best].real) best = i;
  job.result(1)->integer = static_cast<int32_t>(best);
}

void fold(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  const Element* x = job.operand(0);
  Element* y = job.result(rows);
  for (int64_t i = 0; i < rows; ++i) {
    float acc = 0;
    for (int64_t j = 0; j < columns; ++j) acc = kept(x[i * columns + j].real, acc);
    y[i].real = acc;
  }
}

void running_sum(Job& job) {
  const int64_t count = job.count();
  const Element* x = job.operand(0);
  Element* y = job.result(count);
  double total = 0;
  for (int64_t i = 0; i < count; ++i) y[i].real = static_cast<float>(total += x[i].real);
}

void sort(Job& job) {
  const int64_t count = job.count();
  Element* y = job.result(count);
  std::copy_n(job.operand(0), count, y);
  std::sort(y, y + count, [](Element a, Element b) { return a.real < b.real; });
}

void argsort(Job& job) {
  const int64_t count = job.count();
  const Element* x = job.operand(0);
  Element* y = job.result(count);
  for (int64_t i = 0; i < count; ++i) y[i].integer = static_cast<int32_t>(i);
  std::stable_sort(y, y + count, [x](Element a, Element b) { return x[a.integer].real < x[b.integer].real; });
}

// Sizes: how many.
void top(Job& job) {
  const int64_t count = job.count(), k = job.sizes[0];
  const Element* x = job.operand(0);
  std::vector<int32_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + k, order.end(),
                    [x](int32_t a, int32_t b) { return x[a].real != x[b].real ? x[a].real > x[b].real : a < b; });
  Element* values = job.result(k);
  for (int64_t i = 0; i < k; ++i) values[i] = x[order[static_cast<size_t>(i)]];
  Element* places = job.result(k, 1);
  for (int64_t i = 0; i < k; ++i) places[i].integer = order[static_cast<size_t>(i)];
}

constexpr Loop kLoops[] = {
    {"exp", exponential},
    {"negate", negate},
    {"clip", clip},
    {"as_type", to_integer},
    {"add", add},
    {"pow", power},
    {"select", select},
    {"iota", iota},
    {"eye", eye},
    {"sum", sum},
    {"row_maxima", row_maxima},
    {"column_sums", column_sums},
    {"argmax", argmax},
    {"fold", fold},
    {"cumulative_sum", running_sum},
    {"sort", sort},
    {"argsort", argsort},
    {"top_k", top},
};

}  // namespace

std::span<const Loop> element_loops() { return kLoops; }

}  // namespace gpu_node::bench
