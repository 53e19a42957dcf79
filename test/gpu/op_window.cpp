// Windows, scatters from windows and convolutions, against direct sums of the host in exact integers and in double.
#include <doctest/doctest.h>

#include <cmath>

#include "gpu/layouts.h"
#include "gpu/op_case.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"
#include "kernels/plan_builder.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

// Small integers, which every type has and whose sums of a few are exact.
HostTensor small(Dtype dtype, const Shape& shape, Layout layout, uint32_t seed, int64_t most = 3) {
  HostTensor tensor = make_tensor(dtype, shape, layout);
  std::mt19937 random(seed);
  const bool is_signed = dtype_info(dtype).kind != DtypeKind::kUnsigned;
  for (int64_t i = 0; i < static_cast<int64_t>(tensor.bytes.size()) / dtype_size_bytes(dtype); ++i) {
    const auto value = static_cast<int64_t>(random() % static_cast<uint64_t>(most + 1));
    encode(dtype, Number::of(is_signed && random() % 2 == 0 ? -value : value), tensor.element(i));
  }
  return tensor;
}

int64_t or_one(const std::optional<Dims>& values, int d) { return values ? (*values)[d] : 1; }

// The element of |tensor| at |index|; nothing outside of it.
std::optional<Number> element(const HostTensor& tensor, const Dims& index) {
  int64_t at = tensor.map.offset;
  for (int d = 0; d < index.size(); ++d) {
    if (index[d] < 0 || index[d] >= tensor.map.shape[d]) return {};
    at += index[d] * tensor.map.strides[d];
  }
  return tensor.at(at);
}

Shape places(const Shape& from, const ir::WindowAttributes& given) {
  Shape shape;
  for (int d = 0; d < from.size(); ++d) {
    const ir::Edges& edges = given.padding[static_cast<size_t>(d)];
    const int64_t size = (given.window[d] - 1) * or_one(given.window_dilations, d) + 1;
    shape.push_back((from[d] + edges.low + edges.high - size) / or_one(given.strides, d) + 1);
  }
  return shape;
}

void check_window(const std::string& op, const HostTensor& from, const ir::WindowAttributes& given) {
  const Shape shape = places(from.map.shape, given);
  const HostTensor got = run_op(kernels::plan_window, op, {from}, from.dtype, shape, given);
  int64_t flat = 0, wrong = 0;
  for_each_index(shape, [&](const Dims& window) {
    double sum = 0, product = 1;
    std::optional<double> greatest, least;
    for_each_index(given.window, [&](const Dims& k) {
      Dims at;
      for (int d = 0; d < k.size(); ++d)
        at.push_back(window[d] * or_one(given.strides, d) + k[d] * or_one(given.window_dilations, d) -
                     given.padding[static_cast<size_t>(d)].low);
      const std::optional<Number> number = element(from, at);
      if (!number) return;
      const auto x = static_cast<double>(number->as_real());
      sum += x;
      product *= x;
      greatest = std::max(greatest.value_or(x), x);
      least = std::min(least.value_or(x), x);
    });
    const auto value = static_cast<double>(got.number(flat++).as_real());
    const bool whole = op == "window_sum" || op == "window_product";
    // A window of nothing but padding has an end of the type, which other cases look at.
    if (!whole && !greatest) return;
    const double expected = op == "window_sum"       ? sum
                            : op == "window_product" ? product
                            : op == "window_max"     ? *greatest
                                                     : *least;
    wrong += value != static_cast<double>(rounded(from.dtype, is_integer(from.dtype)
                                                                  ? Number::of(static_cast<int64_t>(expected))
                                                                  : Number::of(expected))
                                              .as_real())
                 ? 1
                 : 0;
  });
  CHECK_MESSAGE(wrong == 0, op << " " << type_text(from.dtype, from.map.shape) << ": " << wrong << " of " << flat);
}

struct Convolution {
  Shape input, kernel;  // batch or filters, channels, spatial
  ir::ConvAttributes given;
};

// The result with batch, filters and spatial axes in this order, summed in double.
void check_conv(const Convolution& one, Dtype dtype, Layout layout, double bound) {
  const ir::ConvAttributes& given = one.given;
  const int spatial = one.input.size() - 2;
  const auto turned = [](const HostTensor& tensor, const std::optional<ir::Axes>& axes) {
    HostTensor other = tensor;
    if (axes) {
      Dims order;
      for (const int64_t axis : *axes) order.push_back(axis);
      other.map = transposed(tensor.map, order);
    }
    return other;
  };
  const auto stored_shape = [](const Shape& shape, const std::optional<ir::Axes>& axes) {
    if (!axes) return shape;
    Shape stored = shape;
    for (int i = 0; i < shape.size(); ++i) stored[(*axes)[static_cast<size_t>(i)]] = shape[i];
    return stored;
  };
  const HostTensor input = small(dtype, stored_shape(one.input, given.input_permutation), layout, 11);
  const HostTensor kernel = small(dtype, stored_shape(one.kernel, given.kernel_permutation), layout, 12);
  const HostTensor x = turned(input, given.input_permutation), w = turned(kernel, given.kernel_permutation);
  const int64_t by_batch = given.batch_group_size.value, by_feature = given.feature_group_size.value;
  Shape plain = {one.input[0] / by_batch, one.kernel[0]};
  for (int d = 0; d < spatial; ++d) {
    const ir::Edges& edges = given.padding[static_cast<size_t>(d)];
    const int64_t wide = (one.input[2 + d] - 1) * or_one(given.input_dilation, d) + 1 + edges.low + edges.high;
    plain.push_back((wide - (one.kernel[2 + d] - 1) * or_one(given.kernel_dilation, d) - 1) / or_one(given.strides, d) +
                    1);
  }
  const Shape shape = stored_shape(plain, given.output_permutation);
  const HostTensor result =
      turned(run_op(kernels::plan_conv, "conv", {input, kernel}, dtype, shape, given), given.output_permutation);
  const int64_t filters = one.kernel[0] / (by_batch * by_feature);
  double worst = 0;
  for_each_index(plain, [&](const Dims& index) {
    const int64_t group = index[1] / filters;
    double sum = 0;
    Shape over = {one.kernel[1]};
    for (int d = 0; d < spatial; ++d) over.push_back(one.kernel[2 + d]);
    for_each_index(over, [&](const Dims& k) {
      Dims at = {by_batch > 1 ? index[0] + group * plain[0] : index[0],
                 by_feature > 1 ? k[0] + group * one.kernel[1] : k[0]};
      Dims of = {index[1], k[0]};
      for (int d = 0; d < spatial; ++d) {
        const int64_t place = index[2 + d] * or_one(given.strides, d) + k[1 + d] * or_one(given.kernel_dilation, d) -
                              given.padding[static_cast<size_t>(d)].low;
        const int64_t wide = or_one(given.input_dilation, d);
        at.push_back(place >= 0 && place % wide == 0 ? place / wide : -1);
        of.push_back(k[1 + d]);
      }
      if (const std::optional<Number> number = element(x, at))
        sum += static_cast<double>(number->as_real()) * static_cast<double>(element(w, of)->as_real());
    });
    const double got = static_cast<double>(element(result, index)->as_real());
    worst = std::max(worst, std::abs(got - sum) / std::max(1.0, std::abs(sum)));
  });
  CHECK_MESSAGE(worst <= bound, "conv " << type_text(dtype, shape) << ": off by " << worst);
}

}  // namespace

TEST_CASE("windows: every type, operands lying in every way, strides, dilations and padding of both signs") {
  const ir::WindowAttributes all[] = {{{2, 2}, {{}, {}}, {}, {}},
                                      {{3, 1}, {{1, 1}, {0, 2}}, Dims{2, 2}, {}},
                                      {{2, 3}, {{-1, 0}, {2, -1}}, {}, Dims{2, 1}},
                                      {{1, 2}, {{0, 0}, {-2, 4}}, Dims{3, 1}, Dims{1, 3}}};
  uint32_t seed = 0;
  for (const Dtype dtype : real_types())
    for (const Layout layout : kLayouts)
      for (const ir::WindowAttributes& given : all)
        for (const char* op : {"window_sum", "window_product", "window_max", "window_min"})
          check_window(op, small(dtype, {6, 5}, layout, ++seed, dtype_info(dtype).bits < 8 ? 1 : 2), given);
}

TEST_CASE("windows: what nothing but padding gives, NaN, 200,000 places long, an image") {
  const ir::WindowAttributes outside = {{1}, {{0, 1}}, {}, {}};
  for (const Dtype dtype : {s8, u8, s64, u64, f16, f8_e4m3fn, f64}) {
    const HostTensor from = small(dtype, {2}, Layout::kRowMajor, 1);
    const auto last = [&](const char* op) {
      return run_op(kernels::plan_window, op, {from}, dtype, {3}, outside).number(2);
    };
    CHECK(last("window_sum").as_real() == 0);
    CHECK(last("window_product").as_real() == 1);
    // The ends of the type: nothing is above or below.
    const Number least = last("window_max"), greatest = last("window_min");
    if (!is_integer(dtype)) {
      CHECK(std::isinf(static_cast<double>(greatest.as_real())) == (dtype != f8_e4m3fn));
      CHECK(least.as_real() == -greatest.as_real());
    } else {
      const int bits = dtype_info(dtype).bits;
      const bool is_signed = dtype_info(dtype).kind == DtypeKind::kSigned;
      CHECK(greatest.integer == (static_cast<__int128>(1) << (is_signed ? bits - 1 : bits)) - 1);
      CHECK(least.integer == (is_signed ? -greatest.integer - 1 : 0));
    }
  }
  HostTensor broken(f32, {4}, {Number::of(1), Number::of_real(std::nan("")), Number::of(3), Number::of(4)});
  const HostTensor got =
      run_op(kernels::plan_window, "window_max", {broken}, f32, {3}, ir::WindowAttributes{{2}, {{}}, {}, {}});
  CHECK(std::isnan(got.real(0)));
  CHECK(std::isnan(got.real(1)));
  CHECK(got.real(2) == 4);
  check_window("window_sum", small(f32, {200'000}, Layout::kRowMajor, 2), {{3}, {{1, 1}}, {}, {}});
  check_window("window_sum", small(s32, {200'000}, Layout::kReversed, 2), {{200'000}, {{0, 1}}, {}, {}});
  check_window("window_max", small(f32, {3, 40, 40, 5}, Layout::kTransposed, 2),
               {{1, 3, 3, 1}, {{}, {1, 1}, {1, 1}, {}}, Dims{1, 2, 2, 1}, {}});
}

TEST_CASE(
    "window scatters: the last of equals is chosen, windows that overlap add up, what lies in the padding is lost") {
  const auto scatter = [](const char* op, const HostTensor& tensor, const HostTensor& source, double init,
                          const ir::WindowScatterAttributes& given) {
    const HostTensor value(source.dtype, {}, {Number::of(init)});
    const HostTensor got =
        run_op(kernels::plan_window_scatter, op, {tensor, source, value}, source.dtype, tensor.map.shape, given);
    // The same on the host.
    std::vector<double> expected(static_cast<size_t>(tensor.count()), init);
    for_each_index(source.map.shape, [&](const Dims& window) {
      std::optional<double> best;
      Dims choice;
      for_each_index(given.window, [&](const Dims& k) {
        Dims at;
        for (int d = 0; d < k.size(); ++d)
          at.push_back(window[d] * or_one(given.strides, d) + k[d] - given.padding[static_cast<size_t>(d)].low);
        const std::optional<Number> number = element(tensor, at);
        const double x = number ? static_cast<double>(number->as_real()) : init;
        const bool better = !best || (std::string(op) == "window_scatter_max" ? x >= *best : x <= *best);
        if (!better) return;
        best = x;
        choice = at;
      });
      if (!element(tensor, choice)) return;
      int64_t flat = 0;
      for (int d = 0; d < choice.size(); ++d) flat = flat * tensor.map.shape[d] + choice[d];
      expected[static_cast<size_t>(flat)] += static_cast<double>(element(source, window)->as_real());
    });
    int64_t wrong = 0;
    for (int64_t i = 0; i < tensor.count(); ++i)
      wrong += static_cast<double>(got.number(i).as_real()) != expected[static_cast<size_t>(i)] ? 1 : 0;
    CHECK_MESSAGE(wrong == 0, op << " " << type_text(source.dtype, tensor.map.shape) << ": " << wrong);
  };
  uint32_t seed = 50;
  for (const Dtype dtype : {s16, s32, s64, f16, bf16, f32, f64})
    for (const Layout layout : kLayouts)
      for (const char* op : {"window_scatter_max", "window_scatter_min"}) {
        ++seed;
        scatter(op, small(dtype, {6, 8}, layout, seed), small(dtype, {3, 4}, layout, seed + 1), 0,
                {{2, 2}, {{}, {}}, Dims{2, 2}});
        scatter(op, small(dtype, {6, 8}, layout, seed), small(dtype, {6, 7}, layout, seed + 1), 1,
                {{2, 3}, {{1, 0}, {0, 1}}, {}});
        scatter(op, small(f32, {5, 9}, layout, seed), small(dtype, {2, 5}, layout, seed + 1), -2,
                {{3, 2}, {{-1, 1}, {1, 0}}, Dims{2, 2}});
      }
  scatter("window_scatter_max", small(f32, {200'000}, Layout::kRowMajor, 1),
          small(f32, {100'000}, Layout::kRowMajor, 2), 0, {{2}, {{}}, Dims{2}});
}

TEST_CASE("conv: groups, strides, dilations, padding of both signs, permuted axes, any number of spatial ones") {
  const auto padding = [](std::initializer_list<ir::Edges> edges) { return ir::Padding(edges); };
  const Convolution all[] = {
      {{2, 3, 9}, {4, 3, 3}, {{}, padding({{1, 1}}), {}, {}, {}, {}, {}, {}, {}}},
      {{2, 4, 7, 6}, {6, 2, 3, 2}, {Dims{2, 1}, padding({{1, 2}, {0, -1}}), {}, Dims{1, 2}, {2}, {}, {}, {}, {}}},
      {{6, 2, 5, 5}, {6, 2, 2, 2}, {{}, padding({{0, 0}, {1, 1}}), Dims{2, 3}, {}, {}, {3}, {}, {}, {}}},
      {{2, 3, 4, 5, 4}, {2, 3, 2, 2, 3}, {{}, padding({{0, 1}, {-1, 0}, {1, 1}}), {}, {}, {}, {}, {}, {}, {}}},
      {{3, 4}, {5, 4}, {{}, {}, {}, {}, {}, {}, {}, {}, {}}},
      {{2, 3, 6, 5},
       {4, 3, 2, 3},
       {{},
        padding({{-1, 2}, {1, 0}}),
        {},
        {},
        {},
        {},
        ir::Axes{0, 3, 1, 2},
        ir::Axes{3, 2, 0, 1},
        ir::Axes{0, 3, 1, 2}}},
      {{4, 3, 6, 5},
       {4, 3, 2, 3},
       {{},
        padding({{0, 0}, {0, 0}}),
        {},
        {},
        {},
        {},
        ir::Axes{1, 0, 2, 3},
        ir::Axes{1, 0, 2, 3},
        ir::Axes{1, 0, 3, 2}}},
  };
  for (const Dtype dtype : {f16, bf16, f32, f64})
    for (const Layout layout : {Layout::kRowMajor, Layout::kTransposed, Layout::kReversed})
      for (const Convolution& one : all)
        check_conv(one, dtype, layout, dtype == bf16 ? 0.004 : dtype == f16 ? 0.0005 : 1e-7);
}

TEST_CASE("conv: an image by tiles, many channels, 200,000 places long; a depthwise one") {
  check_conv({{2, 16, 20, 20}, {24, 16, 3, 3}, {{}, {{1, 1}, {1, 1}}, {}, {}, {}, {}, {}, {}, {}}}, f32,
             Layout::kRowMajor, 1e-6);
  check_conv({{20, 32, 6, 6}, {32, 32, 3, 3}, {{}, {{1, 1}, {1, 1}}, {}, {}, {}, {}, {}, {}, {}}}, f32,
             Layout::kTransposed, 1e-6);
  check_conv({{1, 2, 200'000}, {3, 2, 5}, {{}, {{2, 2}}, {}, {}, {}, {}, {}, {}, {}}}, f32, Layout::kRowMajor, 1e-6);
  check_conv({{2, 24, 12, 12}, {24, 1, 3, 3}, {{}, {{}, {}}, {}, {}, {24}, {}, {}, {}, {}}}, f32, Layout::kRowMajor,
             1e-6);
}

TEST_CASE("windows: what is refused") {
  const auto of = [](Dtype dtype, const Shape& shape) {
    return program::Value(program::Tensor{dtype, IndexMap::row_major(shape), {}});
  };
  const auto error = [&](const std::string& op, std::vector<program::Value> operands, const Shape& shape,
                         const ir::Attributes& attributes) {
    return op_error(op, operands, {f32, shape}, attributes).message;
  };
  CHECK(error("window_sum", {of(f32, {4})}, {2}, ir::WindowAttributes{{5}, {{}}, {}, {}}) ==
        "window_sum: axis 0: a window over 5 does not fit into 4 of f32{4} with padding");
  CHECK(error("window_sum", {of(f32, {4})}, {2}, ir::WindowAttributes{{0}, {{}}, {}, {}}) ==
        "window_sum: window: 0 is outside 1 to 2^40");
  CHECK(error("window_sum", {of(f32, {4})}, {2}, ir::WindowAttributes{{2}, {{0, 0, 1}}, {}, {}}) ==
        "window_sum: padding [{0, 0, 1}] must be {Low, High} each, at most 2^40");
  CHECK(error("window_sum", {of(f32, {4})}, {2}, ir::WindowAttributes{{2, 2}, {{}}, {}, {}}) ==
        "window_sum: window must be one for each of 1 dimension, not 2");
  CHECK(error("window_scatter_max", {of(f32, {4}), of(f32, {3}), of(f32, {})}, {4},
              ir::WindowScatterAttributes{{2}, {{}}, Dims{2}}) ==
        "window_scatter_max: source f32{3} must have one element for each of the {2} places of the window");
  CHECK(error("conv", {of(f32, {2, 3, 4}), of(f32, {2, 4, 2})}, {2, 2, 3},
              ir::ConvAttributes{{}, {{}}, {}, {}, {}, {}, {}, {}, {}}) ==
        "conv: the input has 3 channels in 1 group, the kernel 4 for each");
  CHECK(error("conv", {of(f32, {2, 4, 4}), of(f32, {3, 2, 2})}, {2, 3, 3},
              ir::ConvAttributes{{}, {{}}, {}, {}, {2}, {}, {}, {}, {}}) ==
        "conv: a batch of 2 and 3 filters do not divide into 2 groups");
}

}  // namespace gpu_node::test
