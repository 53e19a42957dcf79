// indexed_add against sums of the host: exact where integers wrap, in long double where floats are rounded once.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "gpu/complex_case.h"
#include "gpu/device.h"
#include "gpu/index_case.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

HostTensor add(const HostTensor& whole, const HostTensor& indices, const HostTensor& updates, const ir::Axes& axes,
               Dtype result) {
  return run_op(kernels::plan_indexed_add, "indexed_add", {whole, indices, updates}, result, whole.map.shape,
                ir::AxesAttributes{axes});
}

void check_add(const HostTensor& whole, const HostTensor& indices, const HostTensor& updates, const ir::Axes& axes,
               std::optional<Dtype> merged = {}) {
  const Dtype type = merged.value_or(whole.dtype);
  const HostTensor got = add(whole, indices, updates, axes, type);
  std::vector<Number> exact = whole.numbers();
  const IndexMap flat = IndexMap::row_major(whole.map.shape);
  for_each_index(updates.map.shape, [&](const Dims& index) {
    const Dims at = place_named(indices, axes, index, whole.map.shape);
    int64_t position = 0;
    for (int d = 0; d < at.size(); ++d) position += at[d] * flat.strides[d];
    Number& sum = exact[static_cast<size_t>(position)];
    const Number update = updates.at(position_of(updates, index));
    sum = is_integer(type) ? Number::of(static_cast<int64_t>(static_cast<uint64_t>(sum.integer) +
                                                             static_cast<uint64_t>(update.integer)))
                           : Number::of_real(sum.as_real() + update.as_real());
  });
  int64_t wrong = 0;
  for (int64_t i = 0; i < got.count(); ++i) {
    const Number number = got.number(i), &sum = exact[static_cast<size_t>(i)];
    const bool good = is_integer(type) ? number.integer == rounded(type, sum).integer : ulps(type, number, sum) <= 0.51;
    if (!good && wrong++ == 0)
      FAIL_CHECK("indexed_add " << type_text(type, whole.map.shape) << " of "
                                << type_text(updates.dtype, updates.map.shape) << ", element " << i << ": "
                                << number_text(number) << ", not " << number_text(sum));
  }
  CHECK(wrong == 0);
}

// Integers of any bits; floats of both signs that have all digits of their type, and whose sums stay in range.
HostTensor numbers(Dtype dtype, const Shape& shape, Layout layout, uint32_t seed) {
  HostTensor tensor = make_tensor(dtype, shape, layout);
  std::mt19937 random(seed);
  for (int64_t i = 0; i < static_cast<int64_t>(tensor.bytes.size()) / dtype_size_bytes(dtype); ++i)
    encode(dtype,
           is_float(dtype) ? Number::of_real((random() % 2 == 0 ? 1 : -1) * std::ldexp(1.0L + random(), -32))
                           : Number::of(static_cast<int64_t>(uint64_t{random()} << 32 | random())),
           tensor.element(i));
  return tensor;
}

}  // namespace

TEST_CASE("indexed_add: every type, duplicates, indices outside, operands lying in every way") {
  uint32_t seed = 0;
  for (const Dtype dtype : real_types())
    for (const Layout layout : kLayouts) {
      const HostTensor whole = numbers(dtype, {5, 4, 3}, layout, ++seed);
      check_add(whole, indices_of(s32, {9, 1}, layout, -1, 6, seed), numbers(dtype, {9, 4, 3}, layout, seed), {0});
      check_add(whole, indices_of(s64, {3, 70, 2}, layout, -1, 5, seed), numbers(dtype, {3, 70, 2}, layout, seed),
                {0, 2});
      check_add(whole, indices_of(u8, {90, 1}, layout, 0, 3, seed), numbers(dtype, {90, 5, 2}, layout, seed), {1});
      check_add(whole, indices_of(u8, {90, 3}, layout, 0, 3, seed), numbers(dtype, {90}, layout, seed), {0, 1, 2});
    }
}

TEST_CASE("indexed_add: operands of several types give the merged one") {
  uint32_t seed = 100;
  for (const int64_t rows : {7, 300}) {
    const auto indices = [&] { return indices_of(s32, {rows, 1}, Layout::kRowMajor, 0, 9, ++seed); };
    const auto of = [&](Dtype dtype, const Shape& shape) { return numbers(dtype, shape, Layout::kRowMajor, ++seed); };
    check_add(of(u8, {10, 2}), indices(), of(s32, {rows, 2}), {0}, s32);
    check_add(of(s64, {10}), indices(), of(u8, {rows}), {0}, s64);
    check_add(of(f16, {10, 2}), indices(), of(f32, {rows, 2}), {0}, f32);
    check_add(of(s16, {10}), indices(), of(f64, {rows}), {0}, f64);
    check_add(of(f32, {10}), indices(), of(s16, {rows}), {0}, f32);
  }
}

TEST_CASE("indexed_add: no updates, no indices, one element, as many rows as go another way and one more") {
  const HostTensor whole = numbers(f32, {6, 2}, Layout::kReversed, 5);
  check_add(whole, HostTensor(s32, {0, 1}), HostTensor(f32, {0, 2}), {0});
  check_add(whole, HostTensor(s32, {3, 0}), numbers(f32, {3, 6, 2}, Layout::kRowMajor, 6), {});
  check_add(whole, HostTensor(s32, {300, 0}), numbers(f32, {300, 6, 2}, Layout::kTransposed, 6), {});
  check_add(whole, indices_of(s32, {2}, Layout::kRowMajor, 0, 1, 1), numbers(f32, {}, Layout::kRowMajor, 7), {0, 1});
  check_add(numbers(f32, {}, Layout::kRowMajor, 1), HostTensor(s32, {0}), numbers(f32, {}, Layout::kRowMajor, 2), {});
  check_add(numbers(s32, {}, Layout::kRowMajor, 1), HostTensor(s32, {99, 0}), numbers(s32, {99}, Layout::kRowMajor, 2),
            {});
  for (const int64_t rows : {63, 64, 65, 127, 128, 129, 193, 1000, 4096, 4097})
    check_add(whole, indices_of(s32, {rows, 1}, Layout::kRowMajor, 0, 5, 8),
              numbers(f32, {rows, 2}, Layout::kRowMajor, 9), {0});
}

TEST_CASE("indexed_add: 300,000 updates into one place, two, 70,000 and a million; of rows too") {
  for (const Dtype dtype : {f32, s64, f16})
    for (const int64_t places : {1, 2, 300, 70'000, 1'000'000})
      check_add(numbers(dtype, {places}, Layout::kRowMajor, 1),
                indices_of(s32, {300'000, 1}, Layout::kRowMajor, 0, places - 1, 2),
                numbers(dtype, {300'000}, places == 1 ? Layout::kBroadcast : Layout::kReversed, 3), {0});
  const HostTensor indices = indices_of(s32, {5'000, 1}, Layout::kRowMajor, 0, 299, 4);
  check_add(numbers(f32, {300, 40}, Layout::kRowMajor, 5), indices, numbers(f32, {5'000, 40}, Layout::kTransposed, 6),
            {0});
  check_add(numbers(f64, {40, 300}, Layout::kRowMajor, 7), indices, numbers(f64, {5'000, 40}, Layout::kRowMajor, 8),
            {1});
}

TEST_CASE("indexed_add: small updates among large ones are not lost; the same bits every time") {
  std::vector<Number> values(100'000, Number::of_real(1));
  values[50] = Number::of_real(1e8);
  const HostTensor updates(f32, {100'000}, values);
  check_add(HostTensor(f32, {3}, {Number::of(0), Number::of_real(-1e8), Number::of(0)}),
            indices_of(s32, {100'000, 1}, Layout::kRowMajor, 1, 1, 1), updates, {0});
  const HostTensor whole = numbers(f64, {70}, Layout::kRowMajor, 2);
  const HostTensor indices = indices_of(s32, {100'000, 1}, Layout::kRowMajor, 0, 69, 3);
  const HostTensor many = numbers(f64, {100'000}, Layout::kRowMajor, 4);
  CHECK(add(whole, indices, many, {0}, f64).bytes == add(whole, indices, many, {0}, f64).bytes);
}

TEST_CASE("indexed_add: infinities and NaN stay where they are added") {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const int64_t rows : {6, 600}) {
    HostTensor whole(f32, {6}), updates(f32, {rows}), indices(s32, {rows, 1});
    for (int64_t i = 0; i < rows; ++i) {
      indices.set_integer(i, static_cast<uint64_t>(i % 6));
      updates.set_real(i, 1);
    }
    updates.set_real(0, kInf);
    updates.set_real(rows - 5, -kInf);
    updates.set_real(2, std::nan(""));
    whole.set_real(1, kInf);
    check_add(whole, indices, updates, {0});
  }
}

TEST_CASE("indexed_add: as many axes as there can be; the device's limits are named") {
  Shape deep, rest;
  for (int d = 0; d < kMaxRank; ++d) deep.push_back(d % 4 == 1 ? 2 : 1);
  for (int d = 2; d < kMaxRank; ++d) rest.push_back(deep[d]);
  for (const int64_t rows : {3, 300}) {
    Shape shape = {rows};
    for (const int64_t size : rest) shape.push_back(size);
    check_add(numbers(s64, deep, Layout::kTransposed, 5), indices_of(s32, {rows, 2}, Layout::kRowMajor, 0, 2, 2),
              numbers(s64, shape, Layout::kTransposed, 6), {0, 1});
  }
  vulkan::DeviceInfo info = device().info();
  info.max_storage_range = 1 << 16;
  const PlannedFor planned(info);
  const auto error = [](const Shape& whole, int64_t rows) {
    return plan_error(kernels::plan_indexed_add, "indexed_add",
                      {HostTensor(f32, whole), HostTensor(u8, {rows, 1}), HostTensor(u8, {rows})}, f32, whole, {})
        .message;
  };
  CHECK(error({40'000}, 3) ==
        "indexed_add: indices may name any of 160000 bytes, above the device's storage range of 65536 bytes");
  CHECK(error({10}, 20'000).find("the device's storage range of 65536 bytes") != std::string::npos);
  CHECK(error({10}, 70'000) == "indexed_add: 70000 rows of indices are above the device's storage range");
}

TEST_CASE("indexed_add: complex numbers") {
  for (const Dtype dtype : kComplex)
    for (const int64_t rows : {5, 500}) {
      const HostTensor whole = tensor_of(dtype, {4, 3}, 1, Layout::kTransposed, false);
      const HostTensor updates = tensor_of(dtype, {rows, 3}, 2, Layout::kReversed, false);
      const HostTensor indices = indices_of(s32, {rows, 1}, Layout::kRowMajor, 0, 3, 3);
      const HostTensor got = add(whole, indices, updates, {0}, dtype);
      std::vector<Wide> exact;
      for (int64_t i = 0; i < 12; ++i) exact.push_back(at(whole, i));
      for (int64_t i = 0; i < rows * 3; ++i)
        exact[static_cast<size_t>(index_at(indices, {i / 3, 0}, 4) * 3 + i % 3)] += at(updates, i);
      for (int64_t i = 0; i < 12; ++i)
        CHECK(off(component_type(dtype), at(got, i), exact[static_cast<size_t>(i)], true) <= 0.51);
    }
}

}  // namespace gpu_node::test
