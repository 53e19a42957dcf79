// The decoder of PROTOCOL.md: every message, and what is said about the wrong ones.
#include <doctest/doctest.h>

#include <cstring>

#include "unit/decode_case.h"

namespace gpu_node::service {
TEST_CASE("decode: requests without a session") {
  Writer ping = call();
  ping.atom("ping");
  request_of<Ping>(ping);
  Writer stats = call();
  stats.atom("stats");
  request_of<Stats>(stats);
  Writer describe = call();
  describe.tuple(2).atom("describe").integer(1);
  CHECK(request_of<Describe>(describe).protocol == 1);
}

TEST_CASE("decode: open") {
  Writer plain = call();
  plain.tuple(3).atom("open").raw(pid(9)).map(0);
  const Open open = request_of<Open>(plain);
  CHECK(open.pid == pid(9));
  CHECK(open.lease_ms == kDefaultLeaseMs);
  CHECK(!open.quota_bytes);
  Writer with = call();
  with.tuple(3).atom("open").raw(pid()).map(2).atom("lease_ms").integer(1000).atom("quota_bytes").integer(1 << 20);
  CHECK(request_of<Open>(with).lease_ms == 1000);
  CHECK(request_of<Open>(with).quota_bytes == 1u << 20);
  Writer grace = call();
  grace.tuple(3).atom("open").raw(pid()).map(1).atom("grace_ms").integer(0);
  CHECK(request_of<Open>(grace).grace_ms == 0);
  CHECK(open.grace_ms == 10'000);
  Writer long_grace = call();
  long_grace.tuple(3).atom("open").raw(pid()).map(1).atom("grace_ms").integer(600'001);
  CHECK(call_error(long_grace).find("the option grace_ms is an integer from 0 to 600000, got the integer 600001") !=
        std::string::npos);
  Writer short_lease = call();
  short_lease.tuple(3).atom("open").raw(pid()).map(1).atom("lease_ms").integer(999);
  CHECK(call_error(short_lease).find("the option lease_ms is an integer from 1000 to 600000, got the integer 999") !=
        std::string::npos);
  Writer unknown = call();
  unknown.tuple(3).atom("open").raw(pid()).map(1).atom("lease").integer(1000);
  CHECK(call_error(unknown).find("unknown option lease; the options are lease_ms, quota_bytes, grace_ms") !=
        std::string::npos);
}

TEST_CASE("decode: requests of a session") {
  Writer heartbeat = call();
  heartbeat.tuple(2).atom("heartbeat").unsigned_integer(kSession);
  CHECK(request_of<Heartbeat>(heartbeat).session == kSession);
  Writer close = call();
  close.tuple(2).atom("close").unsigned_integer(kSession);
  CHECK(request_of<Close>(close).session == kSession);

  Writer download = call();
  download.tuple(6).atom("download").unsigned_integer(kSession).integer(3).integer(8).integer(-1);
  download.map(2).atom("deadline_ms").integer(500).atom("ref").atom("r");
  const Download read = request_of<Download>(download);
  CHECK(read.id == 3);
  CHECK(read.offset == 8);
  CHECK(!read.size);
  CHECK(read.options.deadline_ms == 500);
  CHECK(read.options.ref == Writer().atom("r").take());
  Writer negative = call();
  negative.tuple(6).atom("download").unsigned_integer(kSession).integer(-3).integer(0).integer(-1).map(0);
  CHECK(call_error(negative).find("an id, an integer of at least 0, got the integer -3") != std::string::npos);

  Writer sync = call();
  sync.tuple(4).atom("sync").unsigned_integer(kSession).list(2).integer(1).integer(100'000).nil().map(0);
  CHECK(request_of<Sync>(sync).ids == std::vector<int64_t>{1, 100'000});
  Writer sync_none = call();
  sync_none.tuple(4).atom("sync").unsigned_integer(kSession).nil().map(0);
  CHECK(request_of<Sync>(sync_none).ids.empty());

  Writer upload = call();
  upload.tuple(6).atom("upload_open").unsigned_integer(kSession).integer(4).atom("bf16");
  shape(upload, {2, 3});
  upload.map(0);
  CHECK(request_of<UploadOpen>(upload).type.dtype == Dtype::bf16);
  CHECK(request_of<UploadOpen>(upload).type.shape == Shape{2, 3});

  Writer attach = call();
  attach.tuple(6).atom("attach").unsigned_integer(kSession).integer(4).unsigned_integer(kSession - 1).integer(9).map(0);
  CHECK(request_of<Attach>(attach).id == 4);
  CHECK(request_of<Attach>(attach).from == TensorName{kSession - 1, 9});
  Writer no_name = call();
  no_name.tuple(6).atom("attach").unsigned_integer(kSession).integer(4).atom("a").integer(9).map(0);
  CHECK(call_error(no_name).find("attach: expected a session of 64 bits, got the atom ") != std::string::npos);
  Writer local = call();
  local.tuple(6).atom("attach").unsigned_integer(kSession).integer(4).unsigned_integer(kSession).integer(-9).map(0);
  CHECK(call_error(local).find("an id, an integer of at least 0, got the integer -9") != std::string::npos);

  Writer cancel = call();
  cancel.tuple(3).atom("cancel").unsigned_integer(kSession).atom("r");
  CHECK(request_of<Cancel>(cancel).ref == Writer().atom("r").take());
}

TEST_CASE("decode: a call that cannot be understood still has a caller") {
  Writer unknown = call();
  unknown.tuple(2).atom("reticulate").integer(1);
  CHECK(call_error(unknown) == "unknown request reticulate");
  Writer arity = call();
  arity.tuple(3).atom("heartbeat").integer(1).integer(2);
  CHECK(call_error(arity) == "heartbeat: expected a tuple of 2 elements, got 3");
  Writer number = call();
  number.integer(5);
  CHECK(call_error(number).find("got the integer 5") != std::string::npos);
}

TEST_CASE("decode: upload whole and by its head") {
  std::vector<std::byte> bytes(100, std::byte{5});
  Writer upload;
  upload.version().tuple(6).atom("upload").unsigned_integer(kSession).integer(4).integer(4096);
  upload.tuple(2).raw(pid()).atom("tag").binary(bytes);
  const Result<Message> whole = decode_message(upload.bytes());
  REQUIRE(whole.ok());
  const UploadChunk& chunk = std::get<UploadChunk>(whole.value());
  CHECK(chunk.offset == 4096);
  CHECK(chunk.bytes.size() == 100);
  CHECK(chunk.pid == pid());
  const auto head = std::span(upload.bytes()).first(upload.bytes().size() - 100);
  const Result<UploadChunk> headed = decode_upload_head(head);
  REQUIRE(headed.ok());
  CHECK(headed.value().size_bytes == 100);
  CHECK(headed.value().bytes.empty());
  CHECK(!decode_upload_head(head.first(head.size() - 1)).ok());
}

TEST_CASE("decode: a run message with every kind of command") {
  Writer run;
  run.version().tuple(4).atom("run").unsigned_integer(kSession).integer(17).list(5);
  run.tuple(4).atom("alloc").integer(1).atom("f32");
  shape(run, {4});
  run.tuple(5).atom("alloc").integer(2).atom("u8");
  shape(run, {3});
  run.binary(std::string_view("abc"));
  run.tuple(2).atom("free").list(1).integer(1).nil();
  run.tuple(2).atom("release").list(1).integer(2).nil();
  run.tuple(4).atom("add").list(1).tuple(3).integer(-1).atom("f32");
  shape(run, {4});
  run.nil().list(2).integer(1).tuple(2).atom("f32").number(1.5).nil().map(0);
  run.nil();
  const Result<Message> message = decode_message(run.bytes());
  REQUIRE(message.ok());
  const Run& decoded = std::get<Run>(message.value());
  CHECK(decoded.session == kSession);
  CHECK(decoded.seq == 17);
  REQUIRE(decoded.commands.size() == 5);
  CHECK(!std::get<AllocCommand>(decoded.commands[0]).bytes);
  CHECK(std::get<AllocCommand>(decoded.commands[1]).bytes->size() == 3);
  CHECK(std::get<FreeCommand>(decoded.commands[2]).ids == std::vector<int64_t>{1});
  CHECK(std::get<ReleaseCommand>(decoded.commands[3]).ids == std::vector<int64_t>{2});
  const auto& add = std::get<ir::Instruction>(decoded.commands[4]);
  CHECK(add.op->name == "add");
  CHECK(add.results[0].name == -1);
  CHECK(std::get<ir::ValueName>(add.operands[0]) == 1);
  CHECK(std::get<double>(std::get<Scalar>(add.operands[1]).value) == 1.5);
}

TEST_CASE("decode: operands that Erlang writes as a string, and literals of every kind") {
  Writer bytes = instruction("add", 300, "s64", {2});
  bytes.raw(std::vector<std::byte>{std::byte{107}, std::byte{0}, std::byte{2}, std::byte{9}, std::byte{200}}).map(0);
  const auto add = std::get<ir::Instruction>(command_of(bytes));
  CHECK(std::get<ir::ValueName>(add.operands[1]) == 200);

  const auto literal = [](auto write) {
    Writer writer = instruction("constant", 1, "f64", {});
    writer.nil().map(1).atom("value");
    write(writer);
    return std::get<ir::Instruction>(command_of(writer)).attributes.as<ir::ConstantAttributes>().value;
  };
  CHECK(std::get<uint64_t>(literal([](Writer& w) { w.tuple(2).atom("u64").unsigned_integer(UINT64_MAX); }).value) ==
        UINT64_MAX);
  CHECK(std::get<int64_t>(literal([](Writer& w) { w.tuple(2).atom("s8").integer(-5); }).value) == -5);
  CHECK(std::isnan(std::get<double>(literal([](Writer& w) { w.tuple(2).atom("f32").atom("nan"); }).value)));
  const auto complex = literal([](Writer& w) { w.tuple(2).atom("c64").tuple(2).number(1.5).atom("neg_infinity"); });
  CHECK(std::get<std::complex<double>>(complex.value) == std::complex<double>(1.5, -INFINITY));
  CHECK(std::get<int64_t>(literal([](Writer& w) { w.tuple(2).atom("c128").integer(3); }).value) == 3);
  CHECK(std::get<double>(literal([](Writer& w) { w.tuple(2).atom("f32").atom("neg_infinity"); }).value) < -1e308);
  Writer half = instruction("constant", 1, "s32", {});
  half.nil().map(1).atom("value").tuple(2).atom("s32").number(0.5);
  CHECK(malformed(half).error.message.find("an integer of 64 bits for s32, got the float ") != std::string::npos);
}

TEST_CASE("decode: a key that is given twice is an error, in every map") {
  // As many entries as a list may have, twice: together more than any tensor has dimensions.
  Writer dot = instruction("dot", 9, "f32", {});
  dot.list(2).integer(0).integer(1).nil().map(2);
  for (int twice = 0; twice < 2; ++twice) {
    dot.atom("batch_right").list(kMaxRank);
    for (int i = 0; i < kMaxRank; ++i) dot.integer(i);
    dot.nil();
  }
  CHECK(malformed(dot).ids == std::vector<int64_t>{9});
  CHECK(malformed(dot).error.code == ErrorCode::kInvalidArgument);
  CHECK(malformed(dot).error.message == "dot: batch_right is given twice");
  Writer sum = instruction("sum", 1, "f32", {});
  sum.list(1).integer(0).nil().map(2).atom("axes").atom("nil").atom("axes").list(1).integer(0).nil();
  CHECK(malformed(sum).error.message == "sum: axes is given twice");
  Writer open = call();
  open.tuple(3).atom("open").raw(pid()).map(2).atom("lease_ms").integer(1000).atom("lease_ms").integer(2000);
  CHECK(call_error(open) == "open: lease_ms is given twice");
  Writer family = call();
  family.tuple(6).atom("compile_family").unsigned_integer(kSession).integer(1).atom("normal").map(1);
  family.atom("parameters").map(2).binary(std::string_view("mu")).integer(1).binary(std::string_view("mu")).integer(2);
  family.map(0);
  CHECK(call_error(family) == "parameters: mu is given twice");
}

TEST_CASE("decode: a malformed command names the results that it would have had") {
  Writer op = instruction("frobnicate", 12, "f32", {});
  op.nil().map(0);
  CHECK(malformed(op).ids == std::vector<int64_t>{12});
  CHECK(malformed(op).error.code == ErrorCode::kUnsupported);
  Writer type = instruction("add", 13, "f33", {});
  type.nil().map(0);
  CHECK(malformed(type).ids == std::vector<int64_t>{13});
  CHECK(malformed(type).error.message == "unknown type f33");
  Writer negative = instruction("add", 14, "f32", {2, -1});
  negative.nil().map(0);
  CHECK(malformed(negative).ids == std::vector<int64_t>{14});
  Writer huge = instruction("add", 15, "f32", {int64_t{1} << 40, int64_t{1} << 40});
  huge.nil().map(0);
  CHECK(malformed(huge).ids == std::vector<int64_t>{15});
  Writer alloc;
  alloc.tuple(5).atom("alloc").integer(16).atom("u8").tuple(0).binary(std::string(kInlineBytes + 1, 'x'));
  CHECK(malformed(alloc).ids == std::vector<int64_t>{16});
  CHECK(malformed(alloc).error.message.find("65537 bytes, the limit is 65536") != std::string::npos);
  Writer release;
  release.tuple(2).atom("release").integer(18);
  CHECK(malformed(release).ids.empty());
  Writer atom;
  atom.atom("add");
  CHECK(malformed(atom).ids.empty());
  Writer rank = instruction("add", 17, "f32", {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                               1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  rank.nil().map(0);
  CHECK(malformed(rank).error.message.find("33 dimensions, the limit is 32") != std::string::npos);
}

TEST_CASE("decode: what is no message is an error, not a crash") {
  CHECK(!decode_message({}).ok());
  Writer run;
  run.version().tuple(4).atom("run").unsigned_integer(kSession).integer(1).list(4097);
  CHECK(!decode_message(run.bytes()).ok());
  Writer valid;
  valid.version().tuple(4).atom("run").unsigned_integer(kSession).integer(1).list(1);
  const Writer add = instruction("add", 3, "f32", {2, 2});
  valid.raw(add.bytes()).list(2).integer(1).integer(1000).nil().map(0).nil();
  REQUIRE(decode_message(valid.bytes()).ok());
  for (size_t size = 0; size < valid.bytes().size(); ++size) {
    // An exact copy, so that a sanitizer sees a read past it.
    const std::vector<std::byte> cut(valid.bytes().begin(), valid.bytes().begin() + static_cast<ptrdiff_t>(size));
    CHECK(!decode_message(cut).ok());
  }
}

TEST_CASE("decode: results and operands of an instruction that are too many or given twice") {
  Writer twice;
  twice.tuple(4).atom("top_k").list(2);
  for (const char* type : {"f32", "s32"}) twice.tuple(3).integer(7).atom(type).tuple(0);
  twice.nil().list(1).integer(1).nil().map(0);
  CHECK(malformed(twice).error.message == "top_k: result 7 is given twice");
  Writer many;
  many.tuple(4).atom("concatenate").list(1).tuple(3).integer(7).atom("f32").tuple(0).nil().list(65'537);
  for (int i = 0; i < 65'537; ++i) many.integer(1);
  many.nil().map(0);
  CHECK(malformed(many).error.message == "concatenate: 65537 operands, the limit is 65536");
}

}  // namespace gpu_node::service
