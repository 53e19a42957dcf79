// Any bytes at the reader of external terms, at the parser of control messages and at the parser of calls. Nothing may
// read past its end; what read_raw takes must be read the same way again, and what the writer copies must be the same.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "dist/control.h"
#include "etf/decoder.h"
#include "etf/encoder.h"

namespace {

using gpu_node::dist::Bytes;
using gpu_node::etf::Kind;
using gpu_node::etf::Reader;
using gpu_node::etf::Writer;

void must(bool holds) {
  if (!holds) std::abort();
}

// Walks a term by the reader that its kind asks for. Bounded by the bytes: every step consumes at least one or ends.
void walk(Reader& reader) {
  while (!reader.at_end()) {
    const size_t before = reader.position();
    const Kind kind = reader.peek();
    uint32_t count = 0;
    int64_t integer = 0;
    uint64_t natural = 0;
    double number = 0;
    bool boolean = false;
    std::string_view text;
    Bytes raw;
    std::vector<int64_t> integers;
    bool read = false;
    switch (kind) {
      case Kind::kInteger:
        read = reader.read_int64(integer) || reader.read_uint64(natural) || reader.skip();
        break;
      case Kind::kFloat:
        read = reader.read_double(number) || reader.skip();
        break;
      case Kind::kAtom:
        read = reader.read_boolean(boolean) || reader.read_atom(text);
        break;
      case Kind::kTuple:
        read = reader.read_tuple(count);
        must(!read || count <= reader.rest().size());
        break;
      case Kind::kNil:
        read = reader.read_nil();
        break;
      case Kind::kList:
      case Kind::kString:
        read = reader.read_int64_list(integers, 32) || reader.read_list(count);
        must(!read || count <= reader.rest().size());
        break;
      case Kind::kMap:
        read = reader.read_map(count);
        must(!read || count <= reader.rest().size());
        break;
      case Kind::kBinary:
        read = reader.read_binary(raw) || reader.read_binary_header(count);
        break;
      case Kind::kPid:
        read = reader.read_pid(raw);
        break;
      case Kind::kReference:
        read = reader.read_reference(raw);
        break;
      default:
        read = reader.skip();
    }
    must(read || reader.position() == before);
    if (!read) return;
    must(reader.position() > before || kind == Kind::kNil);
  }
}

void check_raw(Bytes bytes) {
  Reader reader(bytes);
  Bytes raw;
  if (!reader.read_raw(raw)) {
    must(reader.position() == 0);
    return;
  }
  must(raw.data() == bytes.data() && raw.size() == reader.position() && !raw.empty());
  Reader again(raw);
  must(again.skip() && again.at_end());
  if (raw.size() > 1) must(!Reader(raw.first(raw.size() - 1)).skip());
  must(Writer().raw(raw).take() == std::vector<std::byte>(raw.begin(), raw.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A block of exactly this size, so that one byte too many is seen.
  const std::unique_ptr<std::byte[]> block(new std::byte[size]);
  if (size > 0) std::memcpy(block.get(), data, size);
  const Bytes bytes(block.get(), size);
  Reader reader(bytes);
  reader.read_version();
  walk(reader);
  check_raw(bytes);
  if (size > 0) check_raw(bytes.subspan(1));

  gpu_node::dist::Control control;
  if (gpu_node::dist::parse_control(bytes, control) == gpu_node::dist::Parsed::kControl) {
    must(control.size_bytes <= size);
    gpu_node::dist::reference_number(control.reference);
    gpu_node::dist::GenCall call;
    gpu_node::dist::parse_gen_call(bytes.subspan(control.size_bytes), call);
  }
  gpu_node::dist::GenCall call;
  gpu_node::dist::parse_gen_call(bytes, call);
  return 0;
}
