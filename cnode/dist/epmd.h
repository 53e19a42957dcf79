// The node's entries with epmd, the daemon that tells other nodes which port a name has.
//
// epmd forgets a name when the connection that registered it closes; one thread watches those connections and registers
// again as soon as an epmd is there.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "dist/socket.h"

namespace gpu_node::dist {

// Registers |name| with the epmd at |address|: the connection that holds the entry. kNotFound: no epmd answers there;
// kInvalidArgument: another node has the name.
Result<Socket> register_with_epmd(const std::string& address, int epmd_port, const std::string& name, int port,
                                  const Deadline& deadline);

class EpmdEntries {
 public:
  struct Entry {
    std::string name;
    int port = 0;
    Socket connection;
  };

  // Registers all of |entries| with the epmd of ERL_EPMD_ADDRESS (default 127.0.0.1) and ERL_EPMD_PORT (default 4369),
  // starting one bound to |listen_address| when none is there.
  static Result<std::unique_ptr<EpmdEntries>> create(std::vector<Entry> entries, const std::string& listen_address);
  ~EpmdEntries();

 private:
  explicit EpmdEntries(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  Result<void> register_missing();
  Result<void> register_first();
  void watch();

  std::string address_;
  int port_ = 0;
  std::string listen_address_;
  std::vector<Entry> entries_;
  WakePipe wake_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace gpu_node::dist
