// How much is done in one go, in time as estimated (vulkan/cost_model.h): bounds that keep everybody's wait short. What
// a software driver needs milliseconds for is a matter of microseconds on a card.
#pragma once

#include <cstdint>

#include "vulkan/device_info.h"

namespace gpu_node::program {

struct Pace {
  double submission_ms;  // recorded: worth a submission
  double in_flight_ms;   // enough for the device to do: whoever comes waits for it
  double dispatch_ms;    // one that is likely to take longer goes in parts
  double part_ms;        // of about so long
  double turn_ms;        // of a session, while others wait
  int64_t wait_ms;       // for the device, before anybody else is looked after

  static constexpr Pace of(const vulkan::DeviceInfo& device) {
    return device.software ? Pace{20, 30, 40, 20, 5, 5} : Pace{3, 6, 8, 4, 1, 1};
  }
};

}  // namespace gpu_node::program
