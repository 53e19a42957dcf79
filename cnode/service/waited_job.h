// A job on behalf of a session: who asked for it, and how he is answered. Device thread only, but for the constructor.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "jobs/turns.h"
#include "service/reply.h"
#include "service/session.h"
#include "service/session_hold.h"

namespace gpu_node::service {

class WaitedJob : public jobs::Task {
 public:
  WaitedJob(SessionRef session, PendingCallRef call) : session_(std::move(session)), call_(std::move(call)) {}

  // Not when another has answered (deadline, cancel), nor when the session has ended.
  bool wanted() const final { return !call_->answered() && !session_->closed.load(std::memory_order_acquire); }
  // An error is the answer; finish() sends any other.
  void fail(const Error& error) final { call_->fail(error); }

  // Whether what its session sends after it waits until it is over, whatever else it would do.
  virtual bool holds_session() const { return false; }
  void keep(SessionHold hold) { hold_ = std::move(hold); }

  jobs::TaskView view() const final {
    jobs::TaskView view = progress();
    view.session = session_->id;
    return view;
  }
  // The same without its session.
  virtual jobs::TaskView progress() const = 0;

  Session& session() const { return *session_; }
  const SessionRef& session_ref() const { return session_; }
  const PendingCallRef& call() const { return call_; }

 protected:
  // Has the session pay for what the job works in, beside its results, for as long as the job lives. |who|: "sample".
  Result<void> pay_for_work(uint64_t bytes, std::string_view who) {
    work_ = program::Payment();  // of a try before
    Result<program::Payment> payment = session_->charge(bytes);
    if (!payment.ok()) return with_context(std::move(payment).error(), std::string(who) + ": what it works in");
    work_ = std::move(payment).value();
    return {};
  }

 private:
  const SessionRef session_;
  const PendingCallRef call_;
  SessionHold hold_;       // nothing where it holds nothing back
  program::Payment work_;  // for what it works in
};

}  // namespace gpu_node::service
