// What moves elements.
#include <algorithm>

#include "bench/plain/loops.h"

namespace gpu_node::bench {
namespace {

// Along the second axis of two. Sizes: rows and columns of each.
void concatenate(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  Element* y = job.result(2 * rows * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (const Elements& operand : job.operands) y = std::copy_n(operand.data() + i * columns, columns, y);
}

// Sizes: rows and columns; the result has the rows that are even, without the first and last column.
void slice(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1], kept = (rows + 1) / 2, width = columns - 2;
  const Element* x = job.operand(0);
  Element* y = job.result(kept * width);
  for (int64_t i = 0; i < kept; ++i)
    for (int64_t j = 0; j < width; ++j) y[i * width + j] = x[2 * i * columns + j + 1];
}

// The transpose, and 1 more.
void turn(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  const Element* x = job.operand(0);
  Element* y = job.result(rows * columns);
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t i = 0; i < rows; ++i) y[j * rows + i].real = x[i * columns + j].real + 1.0F;
}

// A frame of one element.
void pad(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  const Element* x = job.operand(0);
  Element* y = job.result((rows + 2) * (columns + 2));
  for (int64_t i = -1; i <= rows; ++i)
    for (int64_t j = -1; j <= columns; ++j) {
      const bool inside = i >= 0 && i < rows && j >= 0 && j < columns;
      *y++ = inside ? x[i * columns + j] : Element{.real = 0.5F};
    }
}

void put_slice(Job& job) {
  const int64_t columns = job.sizes[1], height = job.sizes[2], width = job.sizes[3];
  Element* y = job.result(job.count());
  std::copy_n(job.operand(0), job.count(), y);
  for (int64_t i = 0; i < height; ++i)
    for (int64_t j = 0; j < width; ++j) y[(i + 1) * columns + j + 1] = job.operand(1)[i * width + j];
}

void take(Job& job) {
  const Element* places = job.operand(1);
  Element* y = job.result(job.count(1));
  for (int64_t i = 0; i < job.count(1); ++i) y[i] = job.operand(0)[places[i].integer];
}

void take_along_axis(Job& job) {
  const int64_t rows = job.sizes[0], columns = job.sizes[1];
  const Element* places = job.operand(1);
  Element* y = job.result(rows * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      y[i * columns + j] = job.operand(0)[i * columns + places[i * columns + j].integer];
}

// Indices are pairs of row and column.
void gather(Job& job) {
  const int64_t columns = job.sizes[1], count = job.count(1) / 2;
  const Element* at = job.operand(1);
  Element* y = job.result(count);
  for (int64_t i = 0; i < count; ++i) y[i] = job.operand(0)[at[2 * i].integer * columns + at[2 * i + 1].integer];
}

void indexed_add(Job& job) {
  Element* y = job.result(job.count());
  std::copy_n(job.operand(0), job.count(), y);
  for (int64_t i = 0; i < job.count(1); ++i) y[job.operand(1)[i].integer].real += job.operand(2)[i].real;
}

void indexed_put(Job& job) {
  Element* y = job.result(job.count());
  std::copy_n(job.operand(0), job.count(), y);
  for (int64_t i = 0; i < job.count(1); ++i) y[job.operand(1)[i].integer] = job.operand(2)[i];
}

constexpr Loop kLoops[] = {
    {"concatenate", concatenate},
    {"slice", slice},
    {"turn", turn},
    {"pad", pad},
    {"put_slice", put_slice},
    {"take", take},
    {"take_along_axis", take_along_axis},
    {"gather", gather},
    {"indexed_add", indexed_add},
    {"indexed_put", indexed_put},
};

}  // namespace

std::span<const Loop> move_loops() { return kLoops; }

}  // namespace gpu_node::bench
