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

// Of the accesses that invocations make at once, how many at most want one bank: |place| is which number of row |row|
// invocation |t| of it wants.
uint32_t most_in_a_bank(const FourierPower& power, bool along, const std::function<uint32_t(uint32_t t)>& place) {
  const uint32_t lanes = power.banks();
  uint32_t most = 0;
  for (uint32_t first = 0; first < power.invocations; first += lanes) {
    std::map<uint32_t, uint32_t> banks;
    for (uint32_t i = first; i < first + lanes; ++i) {
      const uint32_t row = along ? i / power.around() : i % power.together();
      const uint32_t t = along ? i % power.around() : i / power.together();
      const uint32_t slot = power.slot(row * power.row_step() + place(t) * power.place_step());
      most = std::max(most, ++banks[slot % lanes]);
    }
  }
  return most;
}

}  // namespace

TEST_CASE("fourier of powers: numbers that are wanted at once lie in different banks") {
  for (const Dtype computing : {c64, c128})
    for (const uint32_t shared : {16'384U, 32'768U, 49'152U})
      for (const bool along_in : {false, true})
        for (const bool along_out : {false, true})
          for (int64_t length = 2; length <= 8192; length *= 2) {
            auto power = kernels::fourier_power(computing, length, !along_in || !along_out, card(shared));
            if (!power || power->around() == 1) continue;
            power->along_in = along_in;
            power->along_out = along_out;
            CAPTURE(power->key());
            CHECK(power->shared_bytes() <= shared);
            // Where one side goes along rows and the other across some meet, of long rows of c64 only if they come
            // across.
            const uint32_t bound = along_in == along_out || (along_in && length >= 1024 && computing == c64) ? 1 : 4;
            const uint32_t elements = power->elements;
            for (uint32_t done = 1; done * elements < power->length; done *= elements)
              for (uint32_t q = 0; q < elements; ++q)
                CHECK(most_in_a_bank(*power, done == 1 ? along_in : along_out, [&](uint32_t t) {
                        return t / done * done * elements + t % done + q * done;
                      }) <= bound);
            for (uint32_t i = 0; i < elements; ++i)
              CHECK(most_in_a_bank(*power, along_out, [&](uint32_t t) { return t + i * power->around(); }) <= bound);
          }
}

TEST_CASE("fourier of powers: every number has a place of its own in the tile") {
  for (const bool along_in : {false, true})
    for (const bool along_out : {false, true})
      for (int64_t length = 2; length <= 8192; length *= 2) {
        auto power = kernels::fourier_power(c64, length, !along_in || !along_out, card(49'152));
        REQUIRE(power);
        power->along_in = along_in;
        power->along_out = along_out;
        const uint32_t numbers = power->invocations * power->elements;
        std::vector<bool> taken(numbers);
        for (uint32_t row = 0; row < power->together(); ++row)
          for (uint32_t k = 0; k < power->length; ++k)
            taken.at(power->slot(row * power->row_step() + k * power->place_step())) = true;
        CHECK(std::count(taken.begin(), taken.end(), true) == numbers);
      }
}

TEST_CASE("fourier of powers: which lengths fit, and how many rows are side by side") {
  const auto power = [](Dtype computing, int64_t length, bool across, uint32_t shared) {
    return kernels::fourier_power(computing, length, across, card(shared));
  };
  CHECK(kernels::fourier_power_most(c64, card(49'152)) == 8192);
  CHECK(kernels::fourier_power_most(c64, card(32'768)) == 8192);
  CHECK(kernels::fourier_power_most(c64, card(16'384)) == 4096);
  CHECK(kernels::fourier_power_most(c128, card(49'152)) == 4096);
  CHECK(kernels::fourier_power_most(c128, card(16'384)) == 2048);
  CHECK_FALSE(power(c64, 1, false, 49'152));
  CHECK_FALSE(power(c64, 48, false, 49'152));
  CHECK(power(c64, 4096, false, 49'152)->invocations == 256);
  CHECK(power(c64, 4096, false, 49'152)->halves);
  CHECK(power(c64, 4096, false, 49'152)->shared_bytes() == 16'384);
  CHECK_FALSE(power(c64, 512, false, 49'152)->halves);
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
