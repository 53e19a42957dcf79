#include "service/parked_work.h"

#include "base/concat.h"

namespace gpu_node::service {

SessionHold::~SessionHold() {
  if (parked_ != nullptr) parked_->release(session_);
}

SessionHold ParkedWork::hold(const SessionRef& session) {
  Lane& lane = lanes_[session->id];
  lane.session = session;
  ++lane.holds;
  return {*this, session->id};
}

void ParkedWork::release(uint64_t session) {
  const auto found = lanes_.find(session);
  if (found == lanes_.end() || --found->second.holds > 0) return;
  if (found->second.work.empty())
    lanes_.erase(found);
  else
    make_ready(session, found->second);
}

void ParkedWork::make_ready(uint64_t session, Lane& lane) {
  if (!lane.ready) ready_.push_back(session);
  lane.ready = true;
}

ParkedWork::Outcome ParkedWork::park(Work& work) {
  if (lanes_.empty()) return Outcome::kFree;
  const SessionRef* session = session_of(work);
  if (session == nullptr) return Outcome::kFree;
  const auto found = lanes_.find((*session)->id);
  if (found == lanes_.end()) return Outcome::kFree;
  Lane& lane = found->second;
  if (!has_room(lane)) return Outcome::kFull;
  const auto too_many = [&](uint64_t bytes, uint64_t factor) {
    return lane.bytes + bytes > factor * limits_.bytes_of_session || bytes_ + bytes > factor * limits_.bytes;
  };
  if (too_many(held_bytes(work), 1)) {
    RunWork* run = std::get_if<RunWork>(&work);
    if (run == nullptr) return Outcome::kFull;
    if (run->program_bytes > 0 && too_many(run->program_bytes, limits_.programs_factor)) return Outcome::kFull;
    refuse(*run, {ErrorCode::kBusy,
                  concat("the session waits for its turn or a job: ", lane.bytes, " bytes of it wait, the limit is ",
                         limits_.bytes_of_session, "; ", bytes_, " of all, the limit is ", limits_.bytes)});
  }
  lane.bytes += held_bytes(work);
  bytes_ += held_bytes(work);
  lane.work.push_back(std::move(work));
  size_.fetch_add(1, std::memory_order_relaxed);
  return Outcome::kParked;
}

void ParkedWork::put_back(Work&& work) {
  const SessionRef& session = *session_of(work);
  Lane& lane = lanes_[session->id];
  lane.session = session;
  lane.bytes += held_bytes(work);
  bytes_ += held_bytes(work);
  size_.fetch_add(1, std::memory_order_relaxed);
  if (lane.holds == 0) make_ready(session->id, lane);
  lane.work.push_front(std::move(work));
}

bool ParkedWork::has_room(Lane& lane) {
  const auto full = [&] { return lane.work.size() >= limits_.items_of_session || size() >= limits_.items; };
  if (full()) forget_answered(lane);
  return !full();
}

// Calls whose time has passed, or that were cancelled.
void ParkedWork::forget_answered(Lane& lane) {
  std::erase_if(lane.work, [&](const Work& work) {
    const PendingCallRef* call = call_of(work);
    const bool answered = call != nullptr && (*call)->answered();
    if (answered) uncount(lane, work);
    return answered;
  });
}

void ParkedWork::uncount(Lane& lane, const Work& work) {
  const uint64_t bytes = held_bytes(work);
  lane.bytes -= bytes;
  bytes_ -= bytes;
  size_.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<Work> ParkedWork::take() {
  for (; !ready_.empty(); ready_.pop_front()) {
    const auto found = lanes_.find(ready_.front());
    if (found == lanes_.end()) continue;
    Lane& lane = found->second;
    lane.ready = false;
    // A job that it sent may hold it again, and its release then puts it here another time. What a session that has
    // ended leaves is dropped.
    if (lane.holds > 0 || lane.session->closed.load(std::memory_order_acquire)) continue;
    if (lane.work.empty()) {
      lanes_.erase(found);
      continue;
    }
    Work work = std::move(lane.work.front());
    lane.work.pop_front();
    uncount(lane, work);
    lane.ready = !lane.work.empty();
    if (!lane.ready) {
      lanes_.erase(found);
      ready_.pop_front();
    }
    return work;
  }
  return std::nullopt;
}

void ParkedWork::end_turn(const Session& session) {
  if (ready_.empty() || ready_.front() != session.id) return;
  ready_.push_back(ready_.front());
  ready_.pop_front();
}

std::vector<ParkedWork::Begun> ParkedWork::begun_by_others(const Session& session) const {
  std::vector<Begun> begun;
  each_begun([&](uint64_t id, const RunWork& run) {
    if (id != session.id && run.paused->trial.others_over == nullptr) begun.push_back({id, run.run.seq});
  });
  return begun;
}

bool ParkedWork::is_begun(const Begun& message) const {
  const auto lane = lanes_.find(message.session);
  const RunWork* run = lane == lanes_.end() ? nullptr : lane->second.begun();
  return run != nullptr && run->run.seq == message.seq;
}

bool ParkedWork::is_needed(const Session& session, LaterUse& use) const {
  const auto lane = lanes_.find(session.id);
  return lane != lanes_.end() && std::any_of(lane->second.work.begin(), lane->second.work.end(),
                                             [&](const Work& work) { return use.any_left() && use.needs(work); });
}

void ParkedWork::drop(const Session& session) {
  const auto found = lanes_.find(session.id);
  if (found == lanes_.end()) return;
  for (const Work& work : found->second.work) {
    fail(work, {ErrorCode::kNotFound, concat("session ", session.id, " has ended")});
    uncount(found->second, work);
  }
  lanes_.erase(found);
}

}  // namespace gpu_node::service
