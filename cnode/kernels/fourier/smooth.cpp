#include "kernels/fourier/smooth.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/divide_up.h"
#include "kernels/fourier/fourier_power.h"
#include "kernels/fourier/fourier_shader.h"

namespace gpu_node::kernels {
namespace {

// Workgroups that make a device busy, below which rows do not share one.
constexpr int64_t kBusyGpu = 1024, kBusySoftware = 16;
// Of longer rows too few lie side by side in a workgroup where neighbours in memory are of other rows.
constexpr int64_t kLongestAcross = 4096, kLongestOfSeveral = 2048;
// Rows that lie side by side are read together, as many as this if they can be.
constexpr int64_t kSideBySide = 8;

using Flags = FourierEnds::Flags;

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

  int64_t rows() const { return sizes[0] * sizes[1] * sizes[2] * sizes[3]; }
  // Whether neighbouring rows are nearer in memory than neighbours in a row.
  bool across(const Side& side) const { return sizes[3] > 1 && side.along() > side.across(); }
  bool across() const { return across(in) || across(out); }
};

bool is_power(int64_t length) { return length > 1 && std::has_single_bit(static_cast<uint64_t>(length)); }

uint32_t low_word(int64_t value) { return static_cast<uint32_t>(static_cast<uint64_t>(value)); }

// The greatest number of |computing|'s parts that is not above |value|, as two words; of a float the second is 0.
void push_number(double value, Dtype computing, SmallList<uint32_t, FourierEnds::kMostWords>& words) {
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

// Whether of transforms along the last axis those beside each other are nearer than elements.
bool lies_across(const Place& place) {
  const IndexMap& map = place.map;
  const int beside = map.shape[1] > 1 ? 1 : 0;
  return map.shape[beside] > 1 && std::abs(map.strides[2]) > std::abs(map.strides[beside]);
}

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
  // Its own parameters, and how many rows a workgroup takes.
  struct Kernel {
    std::string key;
    vulkan::KernelCache::Emit emit;
    SmallList<uint32_t, 2> own;
    int64_t rows = 1;
  };
  Kernel kernel(const Step& step, const FourierEnds& ends, bool first, bool last) const;
  FourierPass pass() const;
  int64_t rows_together(const Step& step, int64_t tile) const;
  void push_scale(bool divided, SmallList<uint32_t, FourierEnds::kMostWords>& words) const;

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
  const bool one = inner_ == 1;
  set(step.sizes, 1, 1, one ? 1 : outer_, one ? outer_ : inner_);
  step.in = {{0, 0, one ? 0 : in[0], in[one ? 0 : 1]}, in[2], 1, 0, 0, from_.map.shape[2]};
  step.out = {{0, 0, one ? 0 : out[0], out[one ? 0 : 1]}, out[2], 1, 0, 0, to_.map.shape[2]};
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
  pass.tile = fourier_tile(ends_.computing, device);
  pass.skewed = fourier_skewed(ends_.computing, device);
  pass.invocations = std::min(device.software ? 8U : 256U, std::bit_floor(device.max_workgroup_invocations));
  return pass;
}

int64_t Smooth::rows_together(const Step& step, int64_t tile) const {
  const int64_t most = tile / step.length, busy = plan_.device().software ? kBusySoftware : kBusyGpu;
  return std::clamp<int64_t>(step.rows() / busy, step.across() ? std::min(kSideBySide, most) : 1, most);
}

Smooth::Kernel Smooth::kernel(const Step& step, const FourierEnds& ends, bool first, bool last) const {
  const vulkan::DeviceInfo& device = plan_.device();
  Kernel kernel;
  // Of another length a part may be a power of two, but not what its turns and its divisor are of.
  std::optional<FourierPower> power;
  if (is_power(length_)) power = fourier_power(ends_.computing, step.length, step.across(), device);
  if (power) {
    power->ends = ends;
    power->turned = step.turn != 0;
    power->cut_in = ends.mirrored || ends.in_table || (first && from_.map.shape[2] < length_);
    power->cut_out = ends.out_table || (last && to_.map.shape[2] < length_);
    power->unit_in = !power->cut_in && step.in.step == 1 && step.in.by == 1;
    power->unit_out = !power->cut_out && step.out.step == 1 && step.out.by == 1;
    power->along_in = !step.across(step.in);
    power->along_out = !step.across(step.out);
    kernel.rows = power->together();
    kernel.key = power->key();
    kernel.emit = [power = *power, &device] { return power.emit(device); };
    return kernel;
  }
  FourierPass pass = this->pass();
  pass.ends = ends;
  kernel.rows = rows_together(step, pass.tile);
  kernel.own = {low_word(step.length | kernel.rows << 16), radices_of(step.length)};
  kernel.key = pass.key();
  kernel.emit = [pass, &device] { return pass.emit(device); };
  return kernel;
}

// Of the last pass: what numbers are multiplied with, or if its reciprocal is not exact divided by.
void Smooth::push_scale(bool divided, SmallList<uint32_t, FourierEnds::kMostWords>& words) const {
  const double divisor = ends_.divisor * ends_.divisor_2;
  if (!divided) {
    push_number(1 / divisor, ends_.computing, words);
  } else if (ends_.computing == Dtype::c128) {
    push_number(divisor, ends_.computing, words);
  } else {
    for (const double factor : {ends_.divisor, ends_.divisor_2})
      words.push_back(std::bit_cast<uint32_t>(static_cast<float>(factor)));
  }
}

Result<void> Smooth::append(const Step& step, const Place& from, const Place& to, bool first, bool last) {
  FourierEnds ends{from.dtype, ends_.computing, to.dtype};
  ends.in_table = first && ends_.tables.in;
  ends.out_table = last && ends_.tables.out;
  ends.mirrored = first && ends_.mirrored_length > 0;
  Kernel kernel = this->kernel(step, ends, first, last);
  Dispatch dispatch;
  dispatch.key = std::move(kernel.key);
  dispatch.emit = std::move(kernel.emit);
  GPU_ASSIGN(const Bound source, plan_.bind(from, false));
  GPU_ASSIGN(const Bound result, plan_.bind(to, true));
  dispatch.bindings.push_back(source.binding);
  if (ends.in_table) dispatch.bindings.push_back(of_scratch(*ends_.tables.in, false));
  if (ends.out_table) dispatch.bindings.push_back(of_scratch(*ends_.tables.out, false));
  dispatch.bindings.push_back(result.binding);

  uint32_t flags = 0;
  if (first) flags |= ends_.flags & Flags::kConjugateIn;
  if (last) flags |= ends_.flags & ~uint32_t{Flags::kConjugateIn};
  if (last && ends_.divisor != 1) flags |= Flags::kScaled;
  if (!step.across(step.in)) flags |= Flags::kAlongIn;
  if (!step.across(step.out)) flags |= Flags::kAlongOut;

  SmallList<uint32_t, FourierEnds::kMostWords> words;
  const auto push = [&words](int64_t value) { words.push_back(low_word(value)); };
  for (const uint32_t own : kernel.own) words.push_back(own);
  push(step.rows());
  for (int d = 1; d < 4; ++d) push(step.sizes[d]);
  for (const int64_t dim : step.in.dims) push(dim);
  for (const int64_t value : {source.offset, step.in.step, step.in.by, step.in.by_3, step.in.count}) push(value);
  for (const int64_t dim : step.out.dims) push(dim);
  for (const int64_t value : {result.offset, step.out.step, step.out.by, step.out.by_2, step.out.by_3, step.out.count})
    push(value);
  push(ends_.mirrored_length);
  push(step.turn);
  if (last)
    push_scale((flags & Flags::kDivided) != 0, words);
  else
    push_number(1, ends_.computing, words);
  push_number(last ? ends_.eps : -1, ends_.computing, words);
  words.push_back(flags);
  plan_.set_parameters(words.span(), dispatch);
  plan_.set_grid(static_cast<uint64_t>(divide_up(step.rows(), kernel.rows)), 1, dispatch);
  dispatch.grid.units = static_cast<double>(step.rows()) * static_cast<double>(step.length);
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

}  // namespace

std::optional<Parts> smooth_parts(const Place& from, const Place& to, int64_t length, Dtype computing,
                                  const PlanBuilder& plan) {
  const vulkan::DeviceInfo& device = plan.device();
  const int64_t power = is_power(length) ? fourier_power_most(computing, device) : 0;
  if (power == 0) return parts_of(length, fourier_tile(computing, device));
  const bool across = lies_across(from) || lies_across(to);
  const int64_t one = across ? std::min(power, kLongestAcross) : power;
  return parts_of(length, length <= one ? one : std::min(power, kLongestOfSeveral));
}

Result<void> append_smooth(const Place& from, const Place& to, int64_t length, const Ends& ends, Room& room,
                           PlanBuilder& plan) {
  const std::optional<Parts> parts = smooth_parts(from, to, length, ends.computing, plan);
  if (!parts) return Error{ErrorCode::kInternal, concat("a Fourier transform of ", length, " has no parts")};
  return Smooth(from, to, *parts, ends, room, plan).append();
}

}  // namespace gpu_node::kernels
