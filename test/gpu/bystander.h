// A client that is busy, another one beside it, and how long the other waits for its answers.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gpu/service_client.h"

namespace gpu_node::test {

struct Two {
  explicit Two(int64_t watchdog_ms, int64_t quota_bytes = -1);

  std::unique_ptr<service::Service> service;
  Client busy{*service, std::make_shared<Peer>("a@test")};
  Client other{*service, std::make_shared<Peer>("b@test")};
  int64_t next_id = 10;  // of the other's
};

// How long an add of two numbers and its download took, in ms, sorted; and how often the device was given work
// meanwhile, which no other load of the machine changes.
struct Waits {
  std::vector<int64_t> ms;
  int64_t most_submits = 0;
  int64_t work_ms = 0;  // how long what they stood beside took
  int64_t median() const { return ms[ms.size() / 2]; }
  int64_t worst() const { return ms.back(); }
};

// Those of the other client, one after another as long as call |tag| of the busy one is not answered; |reply| is that
// answer. There is at least one.
Waits waits_beside(Two& two, uint64_t tag, Reply& reply);

// What others may be made to wait at most: a median of 100 ms, a few submissions, and never most of the work. The worst
// time alone is the machine's as much as ours.
void check_served(const Waits& waits);

}  // namespace gpu_node::test
