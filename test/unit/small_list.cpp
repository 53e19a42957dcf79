// Lists that lie in themselves while they are short: every operation at, below and above that bound, beside
// std::vector.
#include "base/small_list.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tensor/shape.h"

namespace gpu_node {
namespace {

using Texts = SmallList<std::string, 3>;

// Long enough to have memory of its own: a leak or a second free is found under AddressSanitizer.
std::string text(size_t i) { return "an element with memory of its own, number " + std::to_string(i); }

Texts texts(size_t count) {
  Texts list;
  for (size_t i = 0; i < count; ++i) list.push_back(text(i));
  return list;
}

void check_same(const Texts& list, const std::vector<std::string>& expected) {
  REQUIRE(list.size() == expected.size());
  CHECK(std::equal(list.begin(), list.end(), expected.begin()));
}

}  // namespace

TEST_CASE("small list: copies, moves and assignments between short and long ones") {
  for (size_t from = 0; from < 8; ++from)
    for (size_t to = 0; to < 8; ++to) {
      const Texts source = texts(from);
      Texts copied = texts(to), moved = texts(to), taken = source;
      copied = source;
      moved = std::move(taken);
      CHECK(taken.empty());  // NOLINT(bugprone-use-after-move): a list that was moved from is empty and usable
      taken.push_back("again");
      CHECK(taken.back() == "again");
      CHECK(copied == source);
      CHECK(moved == source);
      copied = *&copied;
      CHECK(copied == source);
    }
}

TEST_CASE("small list: an element of the list is pushed while it grows") {
  Texts list = texts(3);
  list.push_back(list[0]);
  CHECK(list[3] == text(0));
  CHECK(list[0] == text(0));
}

TEST_CASE("small list: a long random walk is a vector's") {
  std::mt19937 random(5);
  Texts list;
  std::vector<std::string> expected;
  for (size_t step = 0; step < 2000; ++step) {
    switch (random() % 6) {
      case 0:
        list.clear();
        expected.clear();
        break;
      case 1: {
        const size_t size = random() % 12;
        list.truncate(size);
        expected.resize(std::min(expected.size(), size));
        break;
      }
      case 2: {
        const size_t size = random() % 12;
        list.resize(size);
        expected.resize(size);
        break;
      }
      default:
        list.push_back(text(step));
        expected.push_back(text(step));
    }
    check_same(list, expected);
  }
}

TEST_CASE("small list: what can only be moved") {
  SmallList<std::unique_ptr<int>, 2> list;
  for (int i = 0; i < 10; ++i) list.push_back(std::make_unique<int>(i));
  for (int i = 0; i < 10; ++i) CHECK(*list[static_cast<size_t>(i)] == i);
}

TEST_CASE("dims: more than a shape may have are kept, not written past the end") {
  Dims dims;
  for (int i = 0; i < 10 * kMaxRank; ++i) dims.push_back(i);
  REQUIRE(dims.size() == 10 * kMaxRank);
  for (int i = 0; i < dims.size(); ++i) CHECK(dims[i] == i);
  dims.truncate(100 * kMaxRank);
  CHECK(dims.size() == 10 * kMaxRank);
  dims.truncate(2);
  CHECK(dims == Dims{0, 1});
}

}  // namespace gpu_node
