// How passes in registers lie in shared memory.
#include "kernels/fourier/fourier_power.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "golden.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using kernels::FourierPower;

vulkan::DeviceInfo card(uint32_t shared) {
  vulkan::DeviceInfo info = full_device();
  info.software = false;
  info.max_workgroup_invocations = 1024;
  info.shared_memory_bytes = shared;
  return info;
}

// Of the accesses that invocations make at once, how many at most want one bank: |place| is where invocation |t| of row
// |row| wants a number.
uint32_t most_in_a_bank(const FourierPower& power, bool along,
                        const std::function<uint32_t(uint32_t row, uint32_t t)>& place) {
  const uint32_t bytes = static_cast<uint32_t>(dtype_size_bytes(power.ends.computing)) / (power.halves ? 2 : 1);
  const uint32_t lanes = 128 / bytes;
  uint32_t most = 0;
  for (uint32_t first = 0; first < power.invocations; first += lanes) {
    std::map<uint32_t, uint32_t> banks;
    for (uint32_t i = first; i < first + lanes; ++i) {
      const uint32_t row = along ? i / power.around() : i % power.together();
      const uint32_t t = along ? i % power.around() : i / power.together();
      most = std::max(most, ++banks[place(row, t) % lanes]);
    }
  }
  return most;
}

}  // namespace

TEST_CASE("fourier of powers: numbers that are wanted at once lie in different banks, or in one two of them") {
  for (const Dtype computing : {c64, c128})
    for (const uint32_t shared : {32'768U, 49'152U, 65'536U})
      for (const bool across : {false, true})
        for (int64_t length = 2; length <= 8192; length *= 2) {
          const auto power = kernels::fourier_power(computing, length, across, card(shared));
          if (!power || power->around() == 1) continue;
          CAPTURE(power->key());
          CAPTURE(across);
          CHECK(power->shared_bytes() <= shared);
          const uint32_t apart = power->rows_apart(!across), elements = power->elements;
          // Of 16 lanes and 16 numbers the room between them fits; of others the last number may meet the first.
          const uint32_t bound = computing == c64 && elements == 16 && !power->halves ? 1 : 2;
          for (uint32_t done = 1; done * elements < power->length; done *= elements)
            for (uint32_t q = 0; q < elements; ++q)
              CHECK(most_in_a_bank(*power, !across, [&](uint32_t row, uint32_t t) {
                      return row * apart + power->slot(t / done * done * elements + t % done + q * done);
                    }) <= bound);
          for (uint32_t i = 0; i < elements; ++i)
            CHECK(most_in_a_bank(*power, !across, [&](uint32_t row, uint32_t t) {
                    return row * apart + power->slot(t + i * power->around());
                  }) <= bound);
        }
}

TEST_CASE("fourier of powers: which lengths fit, and how many rows are side by side") {
  const auto power = [](Dtype computing, int64_t length, bool across, uint32_t shared) {
    return kernels::fourier_power(computing, length, across, card(shared));
  };
  CHECK(kernels::fourier_power_most(c64, card(49'152)) == 8192);
  CHECK(kernels::fourier_power_most(c64, card(32'768)) == 4096);
  CHECK(kernels::fourier_power_most(c128, card(49'152)) == 4096);
  CHECK(kernels::fourier_power_most(c128, card(32'768)) == 2048);
  CHECK(kernels::fourier_power_most(c64, card(16'384)) == 0);
  CHECK_FALSE(power(c64, 1, false, 49'152));
  CHECK_FALSE(power(c64, 48, false, 49'152));
  CHECK(power(c64, 4096, false, 49'152)->invocations == 256);
  CHECK_FALSE(power(c64, 4096, false, 49'152)->halves);
  CHECK(power(c64, 4096, false, 32'768)->halves);
  CHECK(power(c64, 2048, true, 49'152)->together() == 4);
  CHECK(power(c64, 2048, false, 49'152)->together() == 2);
  CHECK(power(c64, 1024, true, 49'152)->together() == 4);
  CHECK(power(c64, 1024, false, 49'152)->together() == 4);
  CHECK(power(c64, 64, true, 49'152)->together() == 32);
  vulkan::DeviceInfo few = card(49'152);
  few.max_workgroup_invocations = 128;
  CHECK(kernels::fourier_power_most(c64, few) == 0);
}

}  // namespace gpu_node::test
