// What is kept of tensors whose handles were collected, and who is found by a tensor's first name. No device: storages
// without buffers.
#include <doctest/doctest.h>

#include "service/attachments.h"
#include "service/kept_tensors.h"

namespace gpu_node::service {
namespace {

using std::chrono::milliseconds;

Handle tensor_of(uint64_t bytes, const std::shared_ptr<Account>& payer = nullptr) {
  auto storage = std::make_shared<program::Storage>();
  storage->size_bytes = bytes;
  if (payer) storage->payment = payer->charge_anyway(bytes);
  return program::Tensor{.dtype = Dtype::u8, .map = {}, .storage = std::move(storage)};
}

const Clock::time_point kNow = Clock::now();

}  // namespace

TEST_CASE("kept: until its end, and no longer") {
  KeptTensors kept(1000);
  kept.keep({1, 7}, tensor_of(100), 1, kNow + milliseconds(10));
  kept.keep({2, 7}, tensor_of(50), 2, kNow + milliseconds(5));
  kept.keep({2, 8}, std::make_shared<const Error>(Error{ErrorCode::kUnsupported, "no"}), 2, kNow + milliseconds(20));
  CHECK(kept.bytes() == 150);
  kept.expire(kNow + milliseconds(7));
  CHECK(kept.find({1, 7}));
  CHECK(!kept.find({2, 7}));
  CHECK(kept.bytes() == 100);
  CHECK(!kept.erase({2, 7}));
  CHECK(kept.erase({1, 7}));
  kept.expire(kNow + milliseconds(30));
  CHECK(kept.empty());
  CHECK(kept.bytes() == 0);
  CHECK(kept.given_up() == 0);
}

TEST_CASE("kept: bounded in bytes, the oldest go first, and what is too large is not kept at all") {
  KeptTensors kept(1000);
  for (int64_t id = 0; id < 12; ++id) kept.keep({1, id}, tensor_of(100), 1, kNow + milliseconds(id));
  CHECK(kept.bytes() == 1000);
  CHECK(kept.given_up() == 2);
  CHECK(!kept.find({1, 1}));
  CHECK(kept.find({1, 2}));
  kept.keep({1, 99}, tensor_of(1001), 1, kNow + milliseconds(99));
  CHECK(!kept.find({1, 99}));
  CHECK(kept.bytes() == 1000);
}

TEST_CASE("kept: views of one storage count once; an id that is given twice is kept once") {
  KeptTensors kept(1000);
  const Handle tensor = tensor_of(400);
  kept.keep({1, 1}, tensor, 1, kNow);
  kept.keep({1, 2}, tensor, 1, kNow);
  CHECK(kept.bytes() == 400);
  kept.keep({1, 2}, tensor_of(10), 1, kNow);
  CHECK(kept.bytes() == 410);
  CHECK(kept.erase({1, 1}));
  CHECK(kept.bytes() == 10);
  CHECK(kept.erase({1, 2}));
  CHECK(kept.empty());
}

TEST_CASE("kept: given up by who pays, or all; a session's go with it") {
  const auto one = std::make_shared<Account>(std::nullopt), two = std::make_shared<Account>(std::nullopt);
  KeptTensors kept(1000);
  kept.keep({1, 1}, tensor_of(100, one), 1, kNow);
  kept.keep({1, 2}, tensor_of(100, two), 1, kNow);
  kept.keep({2, 1}, tensor_of(100, one), 2, kNow);
  CHECK(kept.give_up(one.get()));
  CHECK(!kept.give_up(one.get()));
  CHECK(one->bytes() == 0);
  CHECK(kept.find({1, 2}));
  kept.keep({2, 1}, tensor_of(100, one), 2, kNow);
  kept.erase_session(1);
  CHECK(kept.bytes() == 100);
  CHECK(kept.give_up(nullptr));
  CHECK(kept.empty());
  CHECK(kept.given_up() == 3);
}

TEST_CASE("attachments: found by their first name as long as anybody has one") {
  Session b(2, Open{}, nullptr), c(3, Open{}, nullptr);
  Attachments attachments;
  attachments.add(b, 5, {1, 7}, 100);
  attachments.add(c, 6, {1, 7}, 100);
  CHECK(b.attached_bytes == 100);
  attachments.erase(b, 5);
  attachments.erase(b, 5);
  CHECK(b.attached_bytes == 0);
  REQUIRE(attachments.find({1, 7}));
  CHECK(attachments.find({1, 7})->session == &c);
  CHECK(attachments.find({1, 7})->id == 6);
  CHECK(!attachments.find({1, 8}));
  attachments.erase(c, 6);
  CHECK(!attachments.find({1, 7}));
}

}  // namespace gpu_node::service
