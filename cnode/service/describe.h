// The answers to `describe` and `stats`: maps of what the node is and of what it has counted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "etf/encoder.h"
#include "service/activity.h"
#include "service/device_thread.h"
#include "service/session.h"
#include "vulkan/device.h"

namespace gpu_node::service {

// What clients may do with shaders of their own.
struct ShaderSupport {
  bool raw = false;       // whether the node takes any
  std::string toolchain;  // changes with whatever makes SPIR-V of a text another: compiler, library, the device's modes
  std::string pipelines;  // the file of the driver's cache; empty: none
};

struct Identity {
  std::string name;       // "gpu0@host"
  std::string bulk_name;  // "gpu0_bulk@host"
  std::string version;
  uint64_t incarnation = 1;
};

// What the connections have counted; the service only passes it on.
struct NetworkCounters {
  uint64_t connections = 0, handshakes_failed = 0, messages_in = 0, messages_out = 0;
};

// What runs and what went on of late: see Activity.
struct ActivityView {
  Rates rates;
  std::vector<DeviceThread::JobView> jobs;
  std::vector<SessionRef> sessions;
};

struct StatsView {
  uint64_t uptime_ms = 0;
  uint64_t incarnation = 0;
  bool draining = false;
  vulkan::Counters device;
  vulkan::MemoryLimit memory_limit;  // as things are
  std::vector<SessionRef> sessions;
  uint64_t queue_depth = 0;
  uint64_t oldest_ms = 0;
  uint64_t instructions = 0, instructions_failed = 0;
  uint64_t decode_ns = 0, validate_ns = 0, record_ns = 0;
  uint64_t uploads_bytes = 0, downloads_bytes = 0;
  uint64_t unknown_messages = 0, unknown_frees = 0;
  uint64_t kept_bytes = 0, kept_given_up = 0, attached = 0;
  NetworkCounters network;
  ActivityView activity;
};

// The types that a device can hold and compute.
std::vector<Dtype> supported_types(const vulkan::DeviceInfo& device);

void write_describe(etf::Writer& writer, const Identity& identity, const vulkan::Device& device,
                    const ShaderSupport& shaders);
// At most kShownJobs jobs, the oldest first, and kShownSessions sessions, the largest first.
inline constexpr size_t kShownJobs = 8, kShownSessions = 8;
void write_activity(etf::Writer& writer, const ActivityView& activity);
void write_stats(etf::Writer& writer, const StatsView& stats);

}  // namespace gpu_node::service
