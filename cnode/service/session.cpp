#include "service/session.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "base/concat.h"
#include "base/log.h"
#include "etf/decoder.h"

namespace gpu_node::service {
namespace {

constexpr uint64_t kTagShift = 48;
// Names are paid for by so many bytes of their table at once.
constexpr uint64_t kNamesStep = 64u << 10;

std::string session_text(uint64_t id) { return concat(id); }

}  // namespace

Result<void> Account::take(uint64_t bytes) {
  const uint64_t before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  Result<void> taken;
  if (quota_bytes_ && (before > *quota_bytes_ || bytes > *quota_bytes_ - before))
    taken = Error{ErrorCode::kQuota, concat("asked for ", bytes, " ", what_, ", ", whose_, " ", before,
                                            " of its quota of ", *quota_bytes_)};
  else if (of_all_ != nullptr)
    taken = of_all_->take(bytes);
  if (!taken.ok()) bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return taken;
}

Result<program::Payment> Account::charge(uint64_t bytes) {
  GPU_TRY(take(bytes));
  return program::Payment(shared_from_this(), bytes);
}

program::Payment Account::charge_anyway(uint64_t bytes) {
  for (Account* account = this; account != nullptr; account = account->of_all_.get())
    account->bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return {shared_from_this(), bytes};
}

void Account::give_back(uint64_t bytes) {
  for (Account* account = this; account != nullptr; account = account->of_all_.get())
    account->bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

Session::Session(uint64_t session_id, Open&& open, LinkRef owner_link, std::shared_ptr<Account> all_host)
    : id(session_id),
      owner(std::move(open.pid)),
      link(std::move(owner_link)),
      lease_ms(open.lease_ms),
      grace(open.grace_ms),
      account(std::make_shared<Account>(open.quota_bytes)),
      charge([paying = account](uint64_t bytes) { return paying->charge(bytes); }),
      host_account(std::make_shared<Account>(kMaxHostBytesPerSession, "bytes of host memory", std::move(all_host))),
      last_seen(Clock::now().time_since_epoch().count()) {}

int64_t Session::idle_ms(Clock::time_point now) const {
  const Clock::duration idle = now.time_since_epoch() - Clock::duration(last_seen.load(std::memory_order_relaxed));
  return std::max<int64_t>(0, in_milliseconds(idle));
}

Result<void> Session::pay_for_name() {
  const uint64_t needed = handles.bytes_with_one_more();
  while (names_paid_.size() * kNamesStep < needed) {
    Result<program::Payment> payment = host_charge(kNamesStep);
    if (!payment.ok()) {
      settle_names();
      return with_context(std::move(payment).error(), concat("the session has ", counted(handles.size(), "name")));
    }
    names_paid_.push_back(std::move(payment).value());
  }
  return {};
}

void Session::settle_names() {
  const uint64_t needed = handles.size() == 0 ? 0 : handles.bytes_with_one_more();
  const uint64_t steps = (needed + kNamesStep - 1) / kNamesStep;
  while (names_paid_.size() > steps) names_paid_.pop_back();
  if (handles.size() == 0) names_lost.reset();
}

SessionTable::SessionTable(uint64_t host_bytes)
    : all_host_(
          std::make_shared<Account>(host_bytes, "bytes of host memory for all sessions", nullptr, "the node holds")),
      process_tag_(random_() & 0xffff) {}

uint64_t SessionTable::new_id() {
  for (;;) {
    const uint64_t random = (uint64_t{random_()} << 32 | random_()) & ((uint64_t{1} << kTagShift) - 1);
    const uint64_t id = process_tag_ << kTagShift | random;
    if (id != 0 && !sessions_.contains(id)) return id;
  }
}

Result<SessionRef> SessionTable::open(Open&& open, const LinkRef& link) {
  if (!pid_is_of(open.pid, link->peer()))
    return Error{ErrorCode::kInvalidArgument, "open: the owner must be a process of " + link->peer()};
  const MutexLock lock(mutex_);
  if (sessions_.size() >= kMaxSessions)
    return Error{ErrorCode::kBusy, concat("open: ", kMaxSessions, " sessions are open, the limit")};
  const auto of_peer = std::count_if(sessions_.begin(), sessions_.end(),
                                     [&](const auto& entry) { return entry.second->link->peer() == link->peer(); });
  if (static_cast<size_t>(of_peer) >= kMaxSessionsPerPeer)
    return Error{ErrorCode::kQuota, concat("open: ", link->peer(), " has ", of_peer,
                                           " sessions, the limit of a node is ", kMaxSessionsPerPeer)};
  auto session = std::make_shared<Session>(new_id(), std::move(open), link, all_host_);
  sessions_.emplace(session->id, session);
  count_nodes();
  return session;
}

Result<SessionRef> SessionTable::find(uint64_t id) {
  const MutexLock lock(mutex_);
  const auto found = sessions_.find(id);
  if (found != sessions_.end()) {
    found->second->touch();
    return found->second;
  }
  if (id >> kTagShift != process_tag_)
    return Error{ErrorCode::kStale, "session " + session_text(id) + " is of a process that is gone"};
  return ended_error(id);
}

Error SessionTable::ended(uint64_t id) const {
  const MutexLock lock(mutex_);
  return ended_error(id);
}

Error SessionTable::ended_error(uint64_t id) const {
  const auto found = std::find_if(ended_.begin(), ended_.end(), [id](const auto& end) { return end.first == id; });
  const std::string why = found == ended_.end() ? "" : concat(": ", found->second);
  return {ErrorCode::kNotFound, "session " + session_text(id) + " has ended" + why};
}

SessionRef SessionTable::peek(uint64_t id) const {
  const MutexLock lock(mutex_);
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

void SessionTable::count_nodes() {
  std::unordered_set<std::string_view> nodes;
  for (const auto& [id, session] : sessions_) nodes.insert(session->link->peer());
  nodes_.store(nodes.size(), std::memory_order_relaxed);
}

template <typename Ends>
void SessionTable::close_where(End end, Ends ends) {
  const MutexLock lock(mutex_);
  const size_t before = sessions_.size();
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    if (!ends(*it->second)) {
      ++it;
      continue;
    }
    it->second->closed.store(true, std::memory_order_release);
    log_line(LogLevel::kInfo, "session_closed",
             concat("session=", session_text(it->first), " peer=", it->second->link->peer(), " reason=", end.word,
                    " bytes=", it->second->account->bytes()));
    ended_.emplace_back(it->first, end.text);
    if (ended_.size() > kMaxEnded) ended_.pop_front();
    closed_.push_back(std::move(it->second));
    it = sessions_.erase(it);
  }
  if (sessions_.size() != before) count_nodes();
}

void SessionTable::close(uint64_t id) {
  close_where({"closed", "it was closed"}, [id](const Session& session) { return session.id == id; });
}

void SessionTable::close_owner(const LinkRef& link, const TermBytes& pid) {
  close_where({"owner_down", "its process ended"},
              [&](const Session& s) { return s.link->id() == link->id() && s.owner == pid; });
}

void SessionTable::close_link(const LinkRef& link) {
  close_where({"connection_down", "its connection closed"},
              [&](const Session& s) { return s.link->id() == link->id(); });
}

void SessionTable::close_expired(Clock::time_point now) {
  close_where({"lease", "nothing came of it for its lease"},
              [now](const Session& s) { return s.idle_ms(now) > s.lease_ms; });
}

std::vector<SessionRef> SessionTable::take_closed() {
  const MutexLock lock(mutex_);
  return std::exchange(closed_, {});
}

std::vector<SessionRef> SessionTable::live() const {
  std::vector<SessionRef> sessions;
  const MutexLock lock(mutex_);
  sessions.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) sessions.push_back(session);
  return sessions;
}

std::string SessionTable::owners_text() const {
  std::vector<SessionRef> sessions = live();
  std::sort(sessions.begin(), sessions.end(),
            [](const SessionRef& a, const SessionRef& b) { return a->reach_bytes() > b->reach_bytes(); });
  std::string text = counted(sessions.size(), "session");
  for (size_t i = 0; i < std::min<size_t>(sessions.size(), 4); ++i) {
    text += concat(i == 0 ? ": " : ", ", sessions[i]->link->peer(), " holds ", sessions[i]->account->bytes(),
                   " bytes in ", counted(sessions[i]->tensors.load(), "tensor"));
    if (const uint64_t attached = sessions[i]->attached_bytes; attached > 0)
      text += concat(" and has attached ", attached, " bytes of others");
  }
  return text;
}

bool pid_is_of(const TermBytes& pid, const std::string& node) {
  if (pid.empty()) return false;
  // A pid is its tag, the node's name as an atom, and numbers.
  etf::Reader reader(std::span<const std::byte>(pid).subspan(1));
  std::string_view name;
  return reader.read_atom(name) && name == node;
}

}  // namespace gpu_node::service
