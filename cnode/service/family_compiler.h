// From the texts of families to models ready for a device, on a thread of its own: parsing, derivation and what is
// computed once in double. Families are kept by what they say, so that the next model of one costs only its numbers.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "base/bounded_queue.h"
#include "chain/device_model.h"
#include "chain/family.h"
#include "service/reply.h"
#include "service/session.h"

namespace gpu_node::service {

using FamilyRef = std::shared_ptr<const chain::Family>;

struct CompileWork {
  SessionRef session;
  PendingCallRef call;
  CompileFamily request;
};

// A model that waits for its buffers and its kernel.
struct PlannedModel {
  FamilyRef family;
  std::shared_ptr<chain::DeviceModel> model;
  int64_t chains = 1;
  bool family_kept = false;  // the text had been compiled before
  double family_ms = 0;      // parsing, checks, derivatives
  double plan_ms = 0;        // schedule, what is computed once
};

class FamilyCompiler {
 public:
  // Called on the thread with each finished model.
  using Deliver = std::function<void(CompileWork&& work, PlannedModel&& planned)>;

  FamilyCompiler(const vulkan::DeviceInfo& device, Deliver deliver);
  ~FamilyCompiler();

  // Ends the thread once it has done what is queued; push() then refuses.
  void close();

  // Queues |work|; false when the queue is full or closed. Any thread.
  bool push(CompileWork&& work) { return queue_.try_push(std::move(work)); }

 private:
  struct Kept {
    std::string key;  // of the text, by content
    FamilyRef family;
  };

  void loop();
  Result<PlannedModel> compile(const CompileFamily& request);
  Result<FamilyRef> family_of(const CompileFamily& request, bool& kept);

  const vulkan::DeviceInfo& device_;
  const Deliver deliver_;
  BoundedQueue<CompileWork> queue_;
  std::list<Kept> kept_;  // the latest used first
  std::thread thread_;
};

}  // namespace gpu_node::service
