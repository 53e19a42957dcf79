// Sessions, accounts and waiting calls, with a peer that only keeps what it is sent.
#include <doctest/doctest.h>

#include <thread>

#include "service/kept_errors.h"
#include "service/session.h"
#include "unit/service_sink.h"

namespace gpu_node::service {
namespace {

using std::chrono::milliseconds;

}  // namespace

TEST_CASE("session: ids are random, known while they live, and tell a gone process from a gone session") {
  SessionTable table, other_process;
  const auto link = std::make_shared<Sink>("a@h", 1);
  const uint64_t first = table.open(open_of("a@h", 1), link).value()->id;
  const uint64_t second = table.open(open_of("a@h", 1), link).value()->id;
  CHECK(first != second);
  CHECK((first >> 48) == (second >> 48));
  CHECK(table.find(first).ok());
  table.close(first);
  CHECK(table.find(first).error().code == ErrorCode::kNotFound);
  CHECK(table.find(first ^ (uint64_t{1} << 50)).error().code == ErrorCode::kStale);
  CHECK(table.live().size() == 1);
  const auto closed = table.take_closed();
  REQUIRE(closed.size() == 1);
  CHECK(closed[0]->closed);
  CHECK(table.take_closed().empty());
}

TEST_CASE("session: only a process of the peer can own one") {
  SessionTable table;
  const auto link = std::make_shared<Sink>("a@h", 1);
  CHECK(table.open(open_of("b@h", 1), link).error().code == ErrorCode::kInvalidArgument);
  CHECK(table.open(Open{}, link).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("session: ends with its owner, its connection, its lease") {
  SessionTable table;
  const auto a = std::make_shared<Sink>("a@h", 1);
  const auto b = std::make_shared<Sink>("b@h", 2);
  const auto a1 = table.open(open_of("a@h", 1), a).value();
  const auto a2 = table.open(open_of("a@h", 2), a).value();
  const auto b1 = table.open(open_of("b@h", 1), b).value();
  table.close_owner(a, pid_of("a@h", 1));
  CHECK((a1->closed && !a2->closed && !b1->closed));
  table.close_link(a);
  CHECK((a2->closed && !b1->closed));
  const auto short_lease = table.open(open_of("b@h", 3, 1000), b).value();
  const Clock::time_point now = Clock::now();
  table.close_expired(now + milliseconds(900));
  CHECK(!short_lease->closed);
  table.close_expired(now + milliseconds(1100));
  CHECK((short_lease->closed && !b1->closed));
}

TEST_CASE("session: there is a limit to their number") {
  SessionTable table;
  const auto fill = [&](const std::shared_ptr<Sink>& link) {
    for (size_t i = 0; i < kMaxSessionsPerPeer; ++i) REQUIRE(table.open(open_of(link->name, 1), link).ok());
  };
  for (size_t i = 0; i < kMaxSessions / kMaxSessionsPerPeer; ++i)
    fill(std::make_shared<Sink>("a" + std::to_string(i) + "@h", i));
  const auto late = std::make_shared<Sink>("late@h", 99);
  CHECK(table.open(open_of("late@h", 1), late).error().code == ErrorCode::kBusy);
}

TEST_CASE("session: one node cannot have them all") {
  SessionTable table;
  const auto a = std::make_shared<Sink>("a@h", 1), again = std::make_shared<Sink>("a@h", 2);
  const auto b = std::make_shared<Sink>("b@h", 3);
  const uint64_t first = table.open(open_of("a@h", 1), a).value()->id;
  for (size_t i = 1; i < kMaxSessionsPerPeer; ++i) REQUIRE(table.open(open_of("a@h", 1), a).ok());
  const auto refused = table.open(open_of("a@h", 2), again);  // over another connection
  CHECK(refused.error().code == ErrorCode::kQuota);
  CHECK(refused.error().message == "open: a@h has 256 sessions, the limit of a node is 256");
  CHECK(table.open(open_of("b@h", 1), b).ok());
  table.close(first);
  CHECK(table.open(open_of("a@h", 2), again).ok());
}

TEST_CASE("session: names cost what their table takes, within a limit of all sessions") {
  SessionTable table(uint64_t{4} << 20);
  const auto link = std::make_shared<Sink>("a@h", 1);
  const auto one = table.open(open_of("a@h", 1), link).value(), two = table.open(open_of("a@h", 2), link).value();
  int64_t names = 0;
  const auto add = [&](Session& session) {
    const Result<void> paid = session.pay_for_name();
    if (paid.ok()) session.handles.put(names++, ErrorRef());
    return paid;
  };
  for (int i = 0; i < 10'000; ++i) REQUIRE_UNARY(add(*one).ok());
  CHECK(one->host_account->bytes() >= one->handles.bytes_with_one_more());
  CHECK(one->host_account->bytes() < one->handles.bytes_with_one_more() + (128 << 10));
  Result<void> paid;
  while ((paid = add(*two)).ok()) REQUIRE(names < 100'000);
  CHECK(paid.error().code == ErrorCode::kQuota);
  CHECK(paid.error().message.find("the node holds") != std::string::npos);
  CHECK(paid.error().message.find("of its quota of 4194304") != std::string::npos);
  CHECK(one->host_account->bytes() + two->host_account->bytes() <= uint64_t{4} << 20);
  one->handles.clear();
  one->settle_names();
  CHECK(one->host_account->bytes() == 0);
  CHECK(add(*two).ok());
}

TEST_CASE("kept errors: one of each text, paid for by its session while a name has it") {
  SessionTable table(uint64_t{1} << 20);
  const auto link = std::make_shared<Sink>("a@h", 1);
  const auto one = table.open(open_of("a@h", 1), link).value(), two = table.open(open_of("a@h", 2), link).value();
  KeptErrors errors;
  const auto error = [](const std::string& text) { return Error{ErrorCode::kNotFound, text}; };
  ErrorRef first = errors.keep(*one, error("tensor 7 does not exist"));
  CHECK(errors.keep(*one, error("tensor 7 does not exist")) == first);
  CHECK(errors.keep(*one, error("tensor 8 does not exist")) != first);
  CHECK(errors.keep(*two, error("tensor 7 does not exist")) != first);
  CHECK(errors.keep(*one, Error{ErrorCode::kQuota, "tensor 7 does not exist"}) != first);
  CHECK(one->host_account->bytes() > first->message.size());
  first.reset();
  CHECK(one->host_account->bytes() == 0);

  std::vector<ErrorRef> held;
  for (int i = 0; i < 100; ++i) held.push_back(errors.keep(*one, error(std::string(16'000, 'x') + std::to_string(i))));
  CHECK(one->host_account->bytes() <= uint64_t{1} << 20);
  CHECK(held.back()->code == ErrorCode::kNotFound);
  CHECK(held.back()->message.find("what failed is not kept") == 0);
  CHECK(held.back() == held[98]);
}

TEST_CASE("account: charges count until they are dropped, and the quota holds") {
  const auto account = std::make_shared<Account>(1000);
  auto first = account->charge(600);
  REQUIRE(first.ok());
  CHECK(account->bytes() == 600);
  const auto refused = account->charge(401);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kQuota);
  CHECK(refused.error().message == "asked for 401 bytes, the session holds 600 of its quota of 1000");
  CHECK(account->bytes() == 600);
  {
    const auto needed = account->charge_anyway(900);
    CHECK(account->bytes() == 1500);
  }
  program::Payment moved = std::move(first).value();
  CHECK(account->bytes() == 600);
  moved = {};
  CHECK(account->bytes() == 0);
}

TEST_CASE("calls: answered once, by deadline, cancel or failure") {
  const auto link = std::make_shared<Sink>("a@h", 1);
  const Caller caller{link, pid_of("a@h", 1), etf::Writer().atom("tag").take()};
  const auto options = [](std::optional<int64_t> deadline_ms, uint8_t ref) {
    return RequestOptions{deadline_ms, TermBytes{std::byte{ref}}};
  };
  PendingCalls calls(4);
  const auto soon = calls.add(caller, 7, options(10, 1)).value();
  const auto later = calls.add(caller, 7, options(10'000, 2)).value();
  const auto never = calls.add(caller, 8, options(std::nullopt, 3)).value();
  calls.expire(Clock::now());
  CHECK(link->sent.empty());
  calls.expire(Clock::now() + milliseconds(11));
  REQUIRE(link->sent.size() == 1);
  CHECK(code_of(link->sent[0]) == "deadline");
  CHECK(soon->answered());
  CHECK(!soon->claim());
  CHECK(!calls.cancel(8, later->ref()));
  CHECK(calls.cancel(7, later->ref()));
  CHECK(!calls.cancel(7, later->ref()));
  CHECK(code_of(link->sent[1]) == "deadline");
  calls.fail_all({ErrorCode::kDeviceLost, "gone"});
  REQUIRE(link->sent.size() == 3);
  CHECK(code_of(link->sent[2]) == "device_lost");
  CHECK(never->answered());
  calls.expire(Clock::now());
  CHECK(calls.size() == 0);
  for (int i = 0; i < 4; ++i) REQUIRE(calls.add(caller, 1, {}).has_value());
  CHECK(!calls.add(caller, 1, {}).has_value());
}

}  // namespace gpu_node::service
