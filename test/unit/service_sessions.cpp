// Sessions, accounts and waiting calls, with a peer that only keeps what it is sent.
#include <doctest/doctest.h>

#include <thread>

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
  const auto link = std::make_shared<Sink>("a@h", 1);
  for (size_t i = 0; i < kMaxSessions; ++i) REQUIRE(table.open(open_of("a@h", 1), link).ok());
  CHECK(table.open(open_of("a@h", 1), link).error().code == ErrorCode::kBusy);
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
