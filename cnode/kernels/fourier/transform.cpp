#include "kernels/fourier/transform.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/divide_up.h"
#include "kernels/fourier/factors.h"
#include "kernels/fourier/fourier_shader.h"
#include "kernels/glsl/position_text.h"

namespace gpu_node::kernels {
namespace {

constexpr int64_t kLongest = int64_t{1} << 28;
// Elements are counted in 32 bits.
constexpr int64_t kMostElements = int64_t{1} << 31;
// Workgroups that make a device busy, below which rows do not share one.
constexpr int64_t kBusyGpu = 1024, kBusySoftware = 16;
// Rows that lie side by side are read together, as many as this if they can be.
constexpr int64_t kSideBySide = 8;

// Up to as many numbers are transformed in double, where the device has it, and rounded once: it costs no time that
// could be measured beside a dispatch.
constexpr int64_t kFew = 65'536;

using Flags = FourierPass::Flags;

struct Tables {
  std::optional<uint32_t> in, out;  // scratch, of the computing type
};

// What is done with numbers as they come and go.
struct Ends {
  Dtype computing = Dtype::c64;
  Tables tables;
  uint32_t flags = 0;
  double divisor = 1, divisor_2 = 1;
  double eps = -1;
  int64_t mirrored_length = 0;  // 0: they are not
};

// The four dimensions in which a pass counts its rows, and how elements of a row lie: as PassParameters has them.
struct Side {
  int64_t dims[4] = {0, 0, 0, 0};
  int64_t step = 1, by = 1, by_2 = 0, by_3 = 0, count = 0;

  // How far neighbours in a row, and neighbouring rows are apart.
  int64_t along() const { return std::abs(by * step); }
  int64_t across() const { return std::abs(dims[3] + by_3 * step); }
};

struct Step {
  int64_t length = 1, turn = 0;
  int64_t sizes[4] = {1, 1, 1, 1};
  Side in, out;
};

uint32_t low_word(int64_t value) { return static_cast<uint32_t>(static_cast<uint64_t>(value)); }

Dtype computing_of(const Place& to, int64_t numbers, const vulkan::DeviceInfo& device) {
  const bool wide = to.dtype == Dtype::c128 || to.dtype == Dtype::f64;
  return wide || (device.has_f64 && numbers <= kFew) ? Dtype::c128 : Dtype::c64;
}

// The greatest number of |computing|'s parts that is not above |value|, as two words; of a float the second is 0.
void push_number(double value, Dtype computing, SmallList<uint32_t, FourierPass::kWords>& words) {
  if (computing == Dtype::c128) {
    const auto bits = std::bit_cast<uint64_t>(value);
    words.push_back(static_cast<uint32_t>(bits));
    words.push_back(static_cast<uint32_t>(bits >> 32));
    return;
  }
  constexpr float kMost = std::numeric_limits<float>::max();
  float number = value >= kMost ? kMost : value <= -kMost ? -kMost : static_cast<float>(value);
  if (number > value) number = std::nextafter(number, -kMost);
  words.push_back(std::bit_cast<uint32_t>(number));
  words.push_back(0);
}

// What lies between passes: scratch that each go over some of the rows takes in the same order. The first go is the
// largest.
class Room {
 public:
  explicit Room(PlanBuilder& plan) : plan_(plan) {}

  void begin() { next_ = 0; }
  Place take(Dtype dtype, const Shape& shape) {
    if (next_ == places_.size()) places_.push_back(plan_.add_scratch(dtype, shape));
    Place place = places_[next_++];
    place.map = IndexMap::row_major(shape);
    return place;
  }

 private:
  PlanBuilder& plan_;
  SmallList<Place, 3> places_;
  size_t next_ = 0;
};

// Transforms of one length of primes up to 13, from |from| to |to|.
class Smooth {
 public:
  Smooth(const Place& from, const Place& to, const Parts& parts, const Ends& ends, Room& room, PlanBuilder& plan)
      : from_(from), to_(to), parts_(parts), ends_(ends), room_(room), plan_(plan) {
    for (const int64_t part : parts) length_ *= part;
    outer_ = to.map.shape[0];
    inner_ = to.map.shape[1];
  }

  Result<void> append();

 private:
  Result<void> append(const Step& step, const Place& from, const Place& to, bool first, bool last);
  FourierPass pass() const;
  int64_t rows_together(const Step& step, int64_t rows, int64_t tile) const;

  Step whole() const;
  Step first() const;
  Step middle() const;
  Step last() const;

  const Place& from_;
  const Place& to_;
  const Parts& parts_;
  const Ends& ends_;
  Room& room_;
  PlanBuilder& plan_;
  int64_t length_ = 1, outer_ = 1, inner_ = 1;
};

void set(int64_t (&to)[4], int64_t d0, int64_t d1, int64_t d2, int64_t d3) {
  const int64_t values[] = {d0, d1, d2, d3};
  std::copy(std::begin(values), std::end(values), to);
}

Step Smooth::whole() const {
  Step step{length_};
  const Dims &in = from_.map.strides, &out = to_.map.strides;
  set(step.sizes, 1, 1, outer_, inner_);
  step.in = {{0, 0, in[0], in[1]}, in[2], 1, 0, 0, from_.map.shape[2]};
  step.out = {{0, 0, out[0], out[1]}, out[2], 1, 0, 0, to_.map.shape[2]};
  return step;
}

// Of each row those elements that are |rest| apart.
Step Smooth::first() const {
  const Dims& in = from_.map.strides;
  const int64_t rest = length_ / parts_[0];
  Step step{parts_[0], length_};
  set(step.sizes, 1, outer_, inner_, rest);
  step.in = {{0, in[0], in[1], 0}, in[2], rest, 0, 1, from_.map.shape[2]};
  step.out = {{0, inner_ * length_, length_, 0}, 1, rest, 0, 1, length_};
  return step;
}

// The same in each part of a row, of three.
Step Smooth::middle() const {
  const int64_t rest = parts_[2], part = parts_[1] * rest;
  Step step{parts_[1], part};
  set(step.sizes, 1, outer_ * inner_, parts_[0], rest);
  step.in = step.out = {{0, length_, part, 0}, 1, rest, 0, 1, part};
  return step;
}

// Neighbours, whose frequencies are apart what came before.
Step Smooth::last() const {
  const Dims& out = to_.map.strides;
  const int64_t part = parts_[parts_.size() - 1], before = length_ / part, second = before / parts_[0];
  Step step{part};
  set(step.sizes, outer_, inner_, second, parts_[0]);
  step.in = {{inner_ * length_, length_, part, second * part}, 1, 1, 0, 0, part};
  step.out = {{out[0], out[1], 0, 0}, out[2], before, parts_[0], 1, to_.map.shape[2]};
  return step;
}

FourierPass Smooth::pass() const {
  const vulkan::DeviceInfo& device = plan_.device();
  FourierPass pass;
  pass.computing = ends_.computing;
  pass.tile = fourier_tile(ends_.computing, device);
  pass.skewed = fourier_skewed(ends_.computing, device);
  pass.invocations = std::min(device.software ? 8U : 256U, std::bit_floor(device.max_workgroup_invocations));
  return pass;
}

int64_t Smooth::rows_together(const Step& step, int64_t rows, int64_t tile) const {
  const int64_t most = tile / step.length, busy = plan_.device().software ? kBusySoftware : kBusyGpu;
  const bool apart = step.in.along() > step.in.across() || step.out.along() > step.out.across();
  return std::clamp<int64_t>(rows / busy, apart ? std::min(kSideBySide, most) : 1, most);
}

Result<void> Smooth::append(const Step& step, const Place& from, const Place& to, bool first, bool last) {
  FourierPass pass = this->pass();
  pass.source = from.dtype;
  pass.result = to.dtype;
  pass.in_table = first && ends_.tables.in;
  pass.out_table = last && ends_.tables.out;
  Dispatch dispatch;
  dispatch.key = pass.key();
  dispatch.emit = [pass, &device = plan_.device()] { return pass.emit(device); };
  GPU_ASSIGN(const Bound source, plan_.bind(from, false));
  GPU_ASSIGN(const Bound result, plan_.bind(to, true));
  dispatch.bindings.push_back(source.binding);
  if (pass.in_table) dispatch.bindings.push_back(of_scratch(*ends_.tables.in, false));
  if (pass.out_table) dispatch.bindings.push_back(of_scratch(*ends_.tables.out, false));
  dispatch.bindings.push_back(result.binding);

  const int64_t rows = step.sizes[0] * step.sizes[1] * step.sizes[2] * step.sizes[3];
  const int64_t together = rows_together(step, rows, pass.tile);
  uint32_t flags = 0;
  if (first) flags |= ends_.flags & Flags::kConjugateIn;
  if (first && ends_.mirrored_length > 0) flags |= Flags::kMirrored;
  if (last) flags |= ends_.flags & ~uint32_t{Flags::kConjugateIn};
  if (step.in.along() <= step.in.across()) flags |= Flags::kAlongIn;
  if (step.out.along() <= step.out.across()) flags |= Flags::kAlongOut;

  SmallList<uint32_t, FourierPass::kWords> words;
  const auto push = [&words](int64_t value) { words.push_back(low_word(value)); };
  push(step.length | together << 16);
  words.push_back(radices_of(step.length));
  push(rows);
  for (int d = 1; d < 4; ++d) push(step.sizes[d]);
  for (const int64_t dim : step.in.dims) push(dim);
  for (const int64_t value : {source.offset, step.in.step, step.in.by, step.in.by_3, step.in.count}) push(value);
  for (const int64_t dim : step.out.dims) push(dim);
  for (const int64_t value : {result.offset, step.out.step, step.out.by, step.out.by_2, step.out.by_3, step.out.count})
    push(value);
  push(ends_.mirrored_length);
  push(step.turn);
  if (ends_.computing == Dtype::c128) {
    push_number(ends_.divisor * ends_.divisor_2, ends_.computing, words);
  } else {
    for (const double divisor : {ends_.divisor, ends_.divisor_2})
      words.push_back(std::bit_cast<uint32_t>(static_cast<float>(divisor)));
  }
  push_number(last ? ends_.eps : -1, ends_.computing, words);
  words.push_back(flags);
  plan_.set_parameters(words.span(), dispatch);
  plan_.set_grid(static_cast<uint64_t>(divide_up(rows, together)), 1, dispatch);
  dispatch.grid.units = static_cast<double>(rows) * static_cast<double>(step.length);
  return plan_.append(std::move(dispatch));
}

Result<void> Smooth::append() {
  if (parts_.size() == 1) return append(whole(), from_, to_, true, true);
  const Place one = room_.take(ends_.computing, {outer_, inner_, length_});
  GPU_TRY(append(first(), from_, one, true, false));
  if (parts_.size() == 2) return append(last(), one, to_, false, true);
  const Place two = room_.take(ends_.computing, {outer_, inner_, length_});
  GPU_TRY(append(middle(), one, two, false, false));
  return append(last(), two, to_, false, true);
}

Result<void> append_smooth(const Place& from, const Place& to, int64_t length, const Ends& ends, Room& room,
                           PlanBuilder& plan) {
  const std::optional<Parts> parts = parts_of(length, fourier_tile(ends.computing, plan.device()));
  if (!parts) return Error{ErrorCode::kInternal, concat("a Fourier transform of ", length, " has no parts")};
  return Smooth(from, to, *parts, ends, room, plan).append();
}

// Any length, as a convolution with a chirp, which is a product of transforms of a convenient length.
class Bluestein {
 public:
  Bluestein(int64_t length, Dtype computing, PlanBuilder& plan)
      : length_(length), whole_(convenient_length(2 * length - 1)), computing_(computing), plan_(plan) {}

  int64_t whole() const { return whole_; }
  Result<void> append_tables();
  Result<void> append(const Place& from, const Place& to, const Ends& ends, Room& room) const;

 private:
  int64_t length_, whole_;
  Dtype computing_;
  PlanBuilder& plan_;
  uint32_t chirp_ = 0, frequencies_ = 0;
};

Result<void> Bluestein::append_tables() {
  const auto table = [this](int64_t size) { return plan_.add_scratch(computing_, {1, 1, size}); };
  const Place chirp = table(length_), around = table(whole_), frequencies = table(whole_);
  chirp_ = chirp.index;
  frequencies_ = frequencies.index;
  const FourierChirp kernel{computing_};
  Dispatch dispatch;
  dispatch.key = kernel.key();
  dispatch.emit = [kernel, &device = plan_.device()] { return kernel.emit(device); };
  for (const Place& place : {chirp, around}) {
    GPU_ASSIGN(const Bound bound, plan_.bind(place, true));
    dispatch.bindings.push_back(bound.binding);
  }
  const uint32_t words[] = {low_word(length_), low_word(whole_)};
  plan_.set_parameters(words, dispatch);
  plan_.set_grid(static_cast<uint64_t>(whole_), element_local_size(plan_.device()), dispatch);
  GPU_TRY(plan_.append(std::move(dispatch)));
  Room room(plan_);
  return append_smooth(around, frequencies, whole_, {computing_}, room, plan_);
}

Result<void> Bluestein::append(const Place& from, const Place& to, const Ends& ends, Room& room) const {
  const Place product = room.take(computing_, {to.map.shape[0], to.map.shape[1], whole_});
  // Conjugated before they are transformed the second time, so that it is the inverse.
  Ends there{computing_, {chirp_, frequencies_}};
  there.flags = (ends.flags & Flags::kConjugateIn) | Flags::kConjugateLast;
  there.mirrored_length = ends.mirrored_length;
  GPU_TRY(append_smooth(from, product, whole_, there, room, plan_));
  Ends back = ends;
  back.tables.out = chirp_;
  back.mirrored_length = 0;
  back.flags = Flags::kConjugateOut | Flags::kDivided;
  if ((ends.flags & Flags::kConjugateOut) != 0) back.flags |= Flags::kConjugateLast;
  back.divisor_2 = static_cast<double>(whole_);
  return append_smooth(product, to, whole_, back, room, plan_);
}

}  // namespace

Result<void> append_transform(const Place& from, const Place& to, const Transform& transform, PlanBuilder& plan) {
  const int64_t length = transform.length, outer = to.map.shape[0], inner = to.map.shape[1];
  if (length > kLongest)
    return plan.unsupported(concat("a length of ", length, "; the greatest supported is ", kLongest));
  const Dtype computing = computing_of(to, outer * inner * length, plan.device());
  const std::optional<Parts> parts = parts_of(length, fourier_tile(computing, plan.device()));
  std::optional<Bluestein> any_length;
  if (!parts) {
    any_length.emplace(length, computing, plan);
    GPU_TRY(any_length->append_tables());
  }
  Ends ends;
  ends.computing = computing;
  ends.eps = transform.eps;
  ends.mirrored_length = transform.mirrored ? length : 0;
  if (transform.inverse) {
    ends.flags = Flags::kConjugateIn | Flags::kConjugateOut | Flags::kDivided;
    ends.divisor = static_cast<double>(length);
  }
  // What lies between passes is bounded by what a binding holds, so many rows go in several goes.
  const int64_t whole = any_length ? any_length->whole() : length;
  const int64_t fit = std::min<int64_t>(
      kMostElements - 1, static_cast<int64_t>(plan.device().max_storage_range / dtype_size_bytes(computing)));
  const int64_t at_once = parts && parts->size() == 1 ? outer * inner : std::max<int64_t>(fit / whole, 1);
  const int64_t inner_step = std::min(inner, at_once), outer_step = std::max<int64_t>(at_once / inner, 1);
  Room room(plan);
  for (int64_t o = 0; o < outer; o += outer_step)
    for (int64_t i = 0; i < inner; i += inner_step) {
      const Dims at = {o, i, 0};
      const auto part = [&](const Place& place) {
        return part_of(place, at,
                       {std::min(outer_step, outer - o), std::min(inner_step, inner - i), place.map.shape[2]});
      };
      const Place source = part(from), result = part(to);
      room.begin();
      GPU_TRY(any_length ? any_length->append(source, result, ends, room)
                         : append_smooth(source, result, length, ends, room, plan));
    }
  return {};
}

}  // namespace gpu_node::kernels
