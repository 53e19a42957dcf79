#include "service/kept_errors.h"

#include <functional>
#include <utility>

#include "base/concat.h"

namespace gpu_node::service {
namespace {

struct PaidError {
  Error error;
  program::Payment payment;
};

uint64_t host_bytes(const Error& error) {
  uint64_t bytes = sizeof(PaidError) + error.message.capacity() + 64;  // and what the allocator needs
  if (error.details != nullptr) {
    const ErrorDetails& details = *error.details;
    bytes += sizeof(details) + details.file.size() + details.path.size() + details.source.size();
  }
  return bytes;
}

}  // namespace

ErrorRef KeptErrors::keep(Session& session, Error&& error) {
  const size_t hash = std::hash<std::string_view>()(error.message) ^ static_cast<size_t>(error.code) ^ session.id;
  Known& known = known_[hash % kKnown];
  if (ErrorRef same = known.error.lock(); same != nullptr && known.session == session.id && same->code == error.code &&
                                          same->message == error.message && same->details == error.details)
    return same;
  Result<program::Payment> payment = session.host_charge(host_bytes(error));
  if (!payment.ok()) {
    // One for all that fail so: its message has no more numbers than the code.
    static const auto kCodes = [] {
      std::array<ErrorRef, static_cast<size_t>(ErrorCode::kInternal) + 1> all;
      for (size_t i = 0; i < all.size(); ++i)
        all[i] = std::make_shared<const Error>(
            Error{static_cast<ErrorCode>(i), concat("what failed is not kept: the session has used up its ",
                                                    kMaxHostBytesPerSession, " bytes of host memory, or all theirs")});
      return all;
    }();
    return kCodes[static_cast<size_t>(error.code)];
  }
  const auto paid = std::make_shared<const PaidError>(std::move(error), std::move(payment).value());
  ErrorRef kept(paid, &paid->error);
  known = {session.id, kept};
  return kept;
}

}  // namespace gpu_node::service
