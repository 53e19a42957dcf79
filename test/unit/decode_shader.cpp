// Requests about shaders of clients, and what is refused of them.
#include "base/file.h"
#include "unit/decode_case.h"

namespace gpu_node::service {
namespace {

std::vector<std::byte> bytes(size_t count) { return std::vector<std::byte>(count, std::byte{7}); }

const std::string kHash(64, 'a');

Writer dispatch(const std::string& hash = kHash) {
  Writer writer = call();
  writer.tuple(7).atom("dispatch_spirv").unsigned_integer(kSession).binary(std::string_view(hash));
  return writer;
}

void end(Writer& writer, size_t push = 20, int64_t groups = 1) {
  writer.binary(bytes(push)).tuple(3).integer(groups).integer(1).integer(2).map(0);
}

bool says(const std::string& message, const char* part) {
  INFO(message);
  return message.find(part) != std::string::npos;
}

TEST_CASE("decode shader: a text, a module, a save") {
  Writer text = call();
  text.tuple(4).atom("compile_glsl").unsigned_integer(kSession).binary(std::string_view("#version 450")).map(1);
  text.atom("deadline_ms").integer(10);
  const auto compile = request_of<CompileGlsl>(text);
  CHECK(compile.glsl == "#version 450");
  CHECK(compile.session == kSession);
  CHECK(compile.options.deadline_ms == 10);

  Writer module = call();
  const std::string words("\x01\x02\x03\x04\x05\x06\x07\x08", 8);
  module.tuple(4).atom("load_spirv").unsigned_integer(kSession).binary(std::string_view(words)).map(0);
  const auto load = request_of<LoadSpirv>(module);
  CHECK(load.hash == sha256_hex(words));
  CHECK(load.words == std::vector<uint32_t>{0x04030201, 0x08070605});

  Writer save = call();
  save.tuple(3).atom("save_pipelines").unsigned_integer(kSession).map(0);
  CHECK(request_of<SavePipelines>(save).session == kSession);
}

TEST_CASE("decode shader: a dispatch with every kind of buffer") {
  Writer writer = dispatch();
  writer.list(4).binary(bytes(8)).integer(5).tuple(2).atom("out").integer(64);
  writer.tuple(4).atom("out").integer(9).atom("f64");
  shape(writer, {2, 3});
  writer.nil();
  end(writer, 32, 7);
  const auto request = request_of<DispatchSpirv>(writer);
  CHECK(request.hash == kHash);
  REQUIRE(request.buffers.size() == 4);
  CHECK(std::get<std::vector<std::byte>>(request.buffers[0]).size() == 8);
  CHECK(std::get<int64_t>(request.buffers[1]) == 5);
  CHECK(std::get<OutputBytes>(request.buffers[2]).size_bytes == 64);
  CHECK(std::get<OutputTensor>(request.buffers[3]).id == 9);
  CHECK(std::get<OutputTensor>(request.buffers[3]).type.dtype == Dtype::f64);
  CHECK(request.push.size() == 32);
  CHECK(request.groups == std::array<uint32_t, 3>{7, 1, 2});

  Writer none = dispatch();
  none.nil();
  end(none, 0);
  CHECK(request_of<DispatchSpirv>(none).buffers.empty());
}

TEST_CASE("decode shader: what is refused, and how it is said") {
  const auto load_error = [](const std::vector<std::byte>& module) {
    Writer writer = call();
    writer.tuple(4).atom("load_spirv").unsigned_integer(kSession).binary(module).map(0);
    return call_error(writer);
  };
  CHECK(says(load_error(bytes(7)), "7 bytes are no whole number of words"));
  CHECK(says(load_error({}), "0 bytes are no whole number of words"));
  CHECK(says(load_error(bytes((4u << 20) + 4)), "the limit is 4194304"));
  Writer text = call();
  text.tuple(4).atom("compile_glsl").unsigned_integer(kSession).binary(bytes((1u << 20) + 1)).map(0);
  CHECK(says(call_error(text), "a shader of 1048577 bytes, the limit is 1048576"));
  Writer option = call();
  option.tuple(4).atom("compile_glsl").unsigned_integer(kSession).binary(bytes(4)).map(1).atom("fast").integer(1);
  CHECK(says(call_error(option), "unknown option fast"));

  for (const std::string& hash : {std::string("abc"), std::string(64, 'A'), std::string(63, 'a') + "g"}) {
    Writer writer = dispatch(hash);
    writer.nil();
    end(writer);
    CHECK(says(call_error(writer), "64 hexadecimal digits"));
  }
  const auto buffer_error = [](auto write) {
    Writer writer = dispatch();
    writer.list(1);
    write(writer);
    writer.nil();
    end(writer);
    return call_error(writer);
  };
  CHECK(says(buffer_error([](Writer& w) { w.binary(bytes(6)); }), "buffer 0: a binary of 6 bytes"));
  CHECK(says(buffer_error([](Writer& w) { w.binary(bytes(0)); }), "a binary of 0 bytes"));
  CHECK(says(buffer_error([](Writer& w) { w.binary(bytes((1u << 20) + 4)); }), "upload larger ones"));
  CHECK(says(buffer_error([](Writer& w) { w.integer(-1); }), "an id, an integer of at least 0, got the integer -1"));
  CHECK(says(buffer_error([](Writer& w) { w.tuple(2).atom("out").integer(0); }), "a positive multiple of 4"));
  CHECK(says(buffer_error([](Writer& w) { w.tuple(2).atom("in").integer(4); }), "out as the first element"));
  CHECK(says(buffer_error([](Writer& w) { w.tuple(3).atom("out").integer(4).integer(4); }), "{out, Id, Type, Shape}"));
  Writer groups = dispatch();
  groups.nil();
  end(groups, 0, 0);
  CHECK(says(call_error(groups), "groups: expected an integer from 1 to 4294967295, got the integer 0"));
  Writer push = dispatch();
  push.nil();
  end(push, 5000);
  CHECK(says(call_error(push), "push constants of 5000 bytes, the limit is 4096"));
  Writer many = dispatch();
  many.list(65);
  for (int i = 0; i < 65; ++i) many.integer(1000 + i);
  many.nil();
  end(many);
  CHECK(says(call_error(many), "at most 64 buffers"));
}

}  // namespace
}  // namespace gpu_node::service
