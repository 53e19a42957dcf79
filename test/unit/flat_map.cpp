// The flat map and the table of handles against the standard's map, in random order.
#include "base/flat_map.h"

#include <doctest/doctest.h>

#include <random>
#include <unordered_map>

#include "service/handle_table.h"

namespace gpu_node {

TEST_CASE("flat map: agrees with a map of the standard library") {
  std::mt19937_64 random(1);
  for (const int64_t stride : {1, 16, 64, 1 << 20}) {
    FlatMap<uint32_t> map;
    std::unordered_map<int64_t, uint32_t> expected;
    for (int step = 0; step < 40000; ++step) {
      const int64_t key = (static_cast<int64_t>(random() % 600) - 300) * stride;
      if (random() % 2 == 0) {
        map.erase(key);
        expected.erase(key);
      } else if (map.find(key) == nullptr) {
        map.insert(key, static_cast<uint32_t>(step));
        expected.emplace(key, static_cast<uint32_t>(step));
      }
      REQUIRE(map.size() == expected.size());
    }
    for (const auto& [key, value] : expected) {
      REQUIRE(map.find(key) != nullptr);
      CHECK(*map.find(key) == value);
    }
    size_t visited = 0;
    map.for_each([&](int64_t key, uint32_t value) {
      ++visited;
      CHECK(expected.at(key) == value);
    });
    CHECK(visited == expected.size());
    map.clear();
    CHECK(map.find(0) == nullptr);
  }
}

TEST_CASE("handles: what is erased lets go at once, places are used again") {
  service::HandleTable table;
  const auto error = std::make_shared<const Error>(Error{ErrorCode::kInternal, "kept"});
  for (int round = 0; round < 3; ++round) {
    for (int64_t id = 0; id < 10000; ++id) table.put(id * 3, service::ErrorRef(error));
    CHECK(error.use_count() == 10001);
    table.put(0, service::ErrorRef());  // in place of what is there
    CHECK(table.size() == 10000);
    for (int64_t id = 0; id < 10000; ++id) table.erase(id * 3);
    CHECK(error.use_count() == 1);
    CHECK(table.find(3) == nullptr);
  }
}

}  // namespace gpu_node
