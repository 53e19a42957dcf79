// Complex numbers on the device: what selects, converts and makes them, reductions, dots.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "gpu/complex_case.h"

namespace gpu_node::test {

using enum Dtype;

TEST_CASE("complex: select, as_type, and what is made of nothing") {
  for (const Dtype dtype : kComplex) {
    const Dtype part = component_type(dtype);
    for (const Dtype predicate : {u8, dtype})
      check({"select",
             {tensor_of(predicate, {331}, 1), tensor_of(dtype, {331}, 2), tensor_of(dtype, {331}, 3)},
             dtype,
             [](const Wide* z) { return z[0] == Wide(0) ? z[2] : z[1]; },
             0},
            {331});
    const auto itself = [](const Wide* z) { return z[0]; };
    const auto real = [](const Wide* z) { return Wide(z[0].real()); };
    for (const Dtype from : {c64, c128, f32, f64, f16, bf16, s32})
      check({"as_type", {tensor_of(from, {331}, 9, Layout::kTransposed, !is_integer(from))}, dtype, itself, 0.5},
            {331});
    check({"as_type", {tensor_of(dtype, {331}, 9)}, part, real, 0}, {331});
    check({"as_type",
           {tensor_of(dtype, {331}, 9)},
           f16,
           [](const Wide* z) { return Wide(rounded(f16, Number::of_real(z[0].real())).real); },
           0},
          {331});
    check({"as_type",
           {tensor_of(dtype, {331}, 9)},
           u8,
           [](const Wide* z) {
             return Wide(static_cast<long double>(rounded(u8, Number::of_real(z[0].real())).integer));
           },
           0},
          {331});
    const HostTensor iota = from_device(run_op("iota", {}, {dtype, {300}}, ir::IotaAttributes{}));
    const HostTensor eye = from_device(run_op("eye", {}, {dtype, {5, 7}}));
    for (int64_t i = 0; i < 300; ++i) CHECK(at(iota, i) == Wide(static_cast<long double>(i)));
    for (int64_t i = 0; i < 35; ++i) CHECK(at(eye, i) == Wide(i % 7 == i / 7 ? 1 : 0));
    const Scalar number{dtype, Parts(1.5, -2.25)};
    const HostTensor constant = from_device(run_op("constant", {}, {dtype, {3, 3}}, ir::ConstantAttributes{number}));
    for (int64_t i = 0; i < 9; ++i) CHECK(at(constant, i) == Wide(1.5L, -2.25L));
  }
}

TEST_CASE("complex: reductions are compensated, every layout") {
  for (const Dtype dtype : kComplex) {
    for (const Layout layout : kLayouts) {
      for (const Shape& shape : {Shape{41, 23}, Shape{3, 70'000}}) {
        const HostTensor tensor = tensor_of(dtype, shape, 5, layout, false);
        HostTensor small = make_tensor(dtype, shape, layout);
        for (int64_t i = 0; i < small.count(); ++i)
          put(small, i, std::polar(1 + 1e-6 * static_cast<double>(i % 7), static_cast<double>(i % 100)));
        ir::ReduceAttributes attributes;
        attributes.axes = ir::Axes{1};
        const std::vector<program::Value> sum_of = {to_device(tensor)}, product_of = {to_device(small)};
        const HostTensor sum = from_device(run_op("sum", sum_of, {dtype, {shape[0]}}, attributes));
        const HostTensor all = from_device(run_op("product", product_of, {dtype, {shape[0]}}, attributes));
        for (int64_t row = 0; row < shape[0]; ++row) {
          Wide exact = 0, factor = 1;
          for (int64_t i = 0; i < shape[1]; ++i) {
            exact += at(tensor, row * shape[1] + i);
            factor *= at(small, row * shape[1] + i);
          }
          CHECK(off(component_type(dtype), at(sum, row), exact, false) <= 1);
          CHECK(off(component_type(dtype), at(all, row), factor, false) <=
                std::sqrt(static_cast<double>(shape[1])) * 8);
        }
      }
    }
    HostTensor some = tensor_of(dtype, {4, 100}, 5, Layout::kRowMajor, false);
    put(some, 7, 0);
    put(some, 107, Parts(0, 1));
    for (int64_t i = 200; i < 300; ++i) put(some, i, Parts(0, -0.0));
    put(some, 250, Parts(0, std::nan("")));
    for (int64_t i = 300; i < 400; ++i) put(some, i, 0);
    ir::ReduceAttributes attributes;
    attributes.axes = ir::Axes{1};
    const std::vector<program::Value> operand = {to_device(some)};
    const HostTensor all = from_device(run_op("all", operand, {u8, {4}}, attributes));
    const HostTensor any = from_device(run_op("any", operand, {u8, {4}}, attributes));
    for (int64_t row = 0; row < 4; ++row) {
      CHECK(all.number(row).integer == (row == 1));
      CHECK(any.number(row).integer == (row != 3));
    }
  }
}

TEST_CASE("complex: dot of every size, not conjugated; an infinite factor of zero is NaN") {
  const ir::DotAttributes matrices = [] {
    ir::DotAttributes attributes;
    attributes.contract_left = {1};
    attributes.contract_right = {0};
    return attributes;
  }();
  struct Sizes {
    int64_t rows, depth, columns;
  };
  for (const Dtype dtype : kComplex) {
    for (const Sizes& size :
         {Sizes{1, 1, 1}, Sizes{3, 1000, 5}, Sizes{37, 65, 41}, Sizes{130, 70, 140}, Sizes{20, 9000, 20}}) {
      for (const Layout layout : kLayouts) {
        const HostTensor left = tensor_of(dtype, {size.rows, size.depth}, 1, layout, false);
        const HostTensor right =
            tensor_of(size.depth == 65 ? f32 : dtype, {size.depth, size.columns}, 2, layout, false);
        const std::vector<program::Value> operands = {to_device(left), to_device(right)};
        const HostTensor got = from_device(run_op("dot", operands, {dtype, {size.rows, size.columns}}, matrices));
        int wrong = 0;
        for (int64_t i = 0; i < got.count() && wrong < 3; i += got.count() > 2000 ? 37 : 1) {
          Wide exact = 0;
          long double scale = 0;
          for (int64_t k = 0; k < size.depth; ++k) {
            const Wide term =
                at(left, i / size.columns * size.depth + k) * at(right, k * size.columns + i % size.columns);
            exact += term;
            scale += std::abs(term);
          }
          const long double error = std::abs(at(got, i) - exact) / scale;
          if (error < (dtype == c64 ? 1e-6L : 1e-15L)) continue;
          ++wrong;
          FAIL_CHECK(dtype_name(dtype) << " " << size.rows << "x" << size.depth << "x" << size.columns << ", element "
                                       << i << ": off by " << static_cast<double>(error) << " of the magnitudes");
        }
      }
    }
    HostTensor left(dtype, {1, 2}), right(dtype, {2, 1});
    put(left, 0, Parts(std::numeric_limits<double>::infinity(), 0));
    put(right, 1, 1);
    const std::vector<program::Value> operands = {to_device(left), to_device(right)};
    const Wide got = at(from_device(run_op("dot", operands, {dtype, {1, 1}}, matrices)), 0);
    CHECK(std::isnan(got.real()));
    CHECK(std::isnan(got.imag()));
  }
}

}  // namespace gpu_node::test
