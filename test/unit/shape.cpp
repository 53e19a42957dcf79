// Shapes, index maps and the type table.
#include "tensor/shape.h"

#include <doctest/doctest.h>

#include <random>

namespace gpu_node {
namespace {

// Where every element of |map| lies, in row-major order of its shape.
std::vector<int64_t> positions(const IndexMap& map) {
  std::vector<int64_t> all;
  const int64_t count = element_count(map.shape);
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = map.offset;
    int64_t rest = i;
    for (int d = map.shape.size() - 1; d >= 0; --d) {
      at += rest % map.shape[d] * map.strides[d];
      rest /= map.shape[d];
    }
    all.push_back(at);
  }
  return all;
}

}  // namespace

TEST_CASE("shape: element counts, and what is too large") {
  CHECK(*checked_element_count({}) == 1);
  CHECK(*checked_element_count({2, 3, 4}) == 24);
  CHECK(*checked_element_count({0, 5}) == 0);
  const int64_t large = int64_t{1} << 40;
  CHECK(*checked_element_count({large, large, 0}) == 0);
  CHECK(*checked_element_count({int64_t{1} << 62}) == int64_t{1} << 62);
  const auto over = checked_element_count({large, large});
  REQUIRE_FALSE(over.ok());
  CHECK(over.error().code == ErrorCode::kInvalidArgument);
  CHECK(over.error().message == "shape {1099511627776, 1099511627776} has more than 2^62 elements");
  CHECK(checked_element_count({3, -1}).error().message == "shape {3, -1} has a negative dimension");
  CHECK(element_count({large, large, 0}) == 0);
  CHECK(element_count({}) == 1);
  CHECK(IndexMap::row_major({large, large, 0}).is_row_major());
}

TEST_CASE("shape: texts") {
  CHECK(shape_text({}) == "{}");
  CHECK(shape_text({2, 3}) == "{2, 3}");
  CHECK(type_text(Dtype::bf16, {7}) == "bf16{7}");
}

TEST_CASE("shape: short lists copy and compare by what is set") {
  Dims a{1, 2, 3};
  const Dims b = a;
  CHECK(a == b);
  a.truncate(2);
  CHECK_FALSE(a == b);
  CHECK(a == Dims{1, 2});
  Dims c{9, 9, 9, 9};
  c = b;
  CHECK(c == b);
  c = *&c;
  CHECK(c == b);
}

TEST_CASE("shape: row-major maps") {
  CHECK(row_major_strides({2, 3, 4}) == Dims{12, 4, 1});
  CHECK(IndexMap::row_major({2, 3}).is_row_major());
  CHECK(IndexMap{{2, 3}, {3, 1}, 17}.is_row_major());
  CHECK(IndexMap{{2, 1, 3}, {3, 99, 1}, 0}.is_row_major());
  CHECK(IndexMap{{0, 3}, {1, 7}, 0}.is_row_major());
  CHECK_FALSE(IndexMap{{3, 2}, {1, 3}, 0}.is_row_major());
  CHECK_FALSE(IndexMap{{3}, {-1}, 2}.is_row_major());
  CHECK_FALSE(IndexMap{{3}, {0}, 0}.is_row_major());
}

TEST_CASE("shape: transposes and broadcasts") {
  const IndexMap map = IndexMap::row_major({2, 3, 4});
  const IndexMap t = transposed(map, {2, 0, 1});
  CHECK(t.shape == Dims{4, 2, 3});
  CHECK(t.strides == Dims{1, 12, 4});
  const IndexMap b = broadcast_to(IndexMap::row_major({3, 1}), {2, 3, 5}, {1, 2});
  CHECK(b.shape == Dims{2, 3, 5});
  CHECK(b.strides == Dims{0, 1, 0});
  CHECK(broadcast_to(IndexMap::row_major({}), {2, 2}, {}).strides == Dims{0, 0});
}

TEST_CASE("shape: a reshape keeps every element in its place, or says that it cannot") {
  // 4 by 6, transposed, then cut along dimensions that stay whole.
  const IndexMap t = transposed(IndexMap::row_major({4, 6}), {1, 0});
  const auto cut = reshaped(t, {2, 3, 2, 2});
  REQUIRE(cut.has_value());
  CHECK(positions(*cut) == positions(t));
  CHECK_FALSE(reshaped(t, {24}).has_value());
  CHECK_FALSE(reshaped(t, {4, 6}).has_value());
  const auto ones = reshaped(t, {1, 6, 1, 4, 1});
  REQUIRE(ones.has_value());
  CHECK(positions(*ones) == positions(t));
  CHECK(reshaped(IndexMap{{}, {}, 5}, {1, 1})->offset == 5);
  CHECK(reshaped(IndexMap::row_major({0, 3}), {3, 0}).has_value());
  const IndexMap stretched = broadcast_to(IndexMap::row_major({3}), {4, 3}, {1});
  CHECK_FALSE(reshaped(stretched, {12}).has_value());
  CHECK(positions(*reshaped(stretched, {2, 2, 3})) == positions(stretched));
}

TEST_CASE("shape: reshapes of random views are right whenever there is one") {
  std::mt19937 random(7);
  int found = 0;
  for (int round = 0; round < 4000; ++round) {
    const int64_t choices[] = {1, 2, 3, 4, 6};
    Shape shape;
    for (int d = 0; d < 3; ++d) shape.push_back(choices[random() % 5]);
    IndexMap map = IndexMap::row_major(shape);
    Dims axes{0, 1, 2};
    for (int d = 2; d > 0; --d) std::swap(axes[d], axes[static_cast<int>(random() % static_cast<unsigned>(d + 1))]);
    map = transposed(map, axes);
    const int64_t count = element_count(shape);
    Shape target;
    for (int64_t left = count; left > 1;) {
      int64_t dim = choices[random() % 5];
      if (left % dim != 0) dim = left;
      if (dim == 1 && target.size() > 5) dim = left;
      target.push_back(dim);
      left /= dim;
    }
    const auto view = reshaped(map, target);
    if (!view.has_value()) {
      CHECK_FALSE(map.is_row_major());
      continue;
    }
    ++found;
    CHECK(view->shape == target);
    REQUIRE(positions(*view) == positions(map));
  }
  CHECK(found > 1000);
}

TEST_CASE("dtype: the table is in order and names are unique") {
  for (int i = 0; i < kDtypeCount; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    CHECK(dtype_info(dtype).dtype == dtype);
    CHECK(find_dtype(dtype_name(dtype)) == dtype);
    CHECK(dtype_info(dtype).bits <= dtype_size_bytes(dtype) * 8);
  }
  CHECK_FALSE(find_dtype("f12").has_value());
  CHECK_FALSE(find_dtype("").has_value());
}

}  // namespace gpu_node
