// The errors that poisoned names stand for. Those of one text are one: a session that goes on after something failed
// has as many names of it as it sends commands. Device thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "service/session.h"

namespace gpu_node::service {

class KeptErrors {
 public:
  // |error| for names of |session|, which pays for its text; where it cannot, a shorter text in its place.
  ErrorRef keep(Session& session, Error&& error);

 private:
  struct Known {
    uint64_t session = 0;
    std::weak_ptr<const Error> error;
  };
  static constexpr size_t kKnown = 256;

  std::array<Known, kKnown> known_;  // by what is hashed of them
};

}  // namespace gpu_node::service
