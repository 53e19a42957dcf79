#include "kernels/fourier/transform.h"

#include <algorithm>
#include <bit>

#include "kernels/fourier/fourier_power.h"
#include "kernels/fourier/fourier_shader.h"
#include "kernels/fourier/smooth.h"
#include "kernels/glsl/position_text.h"

namespace gpu_node::kernels {
namespace {

constexpr int64_t kLongest = int64_t{1} << 28;
// Elements are counted in 32 bits.
constexpr int64_t kMostElements = int64_t{1} << 31;
// Up to as many numbers are transformed in double, where the device has it, and rounded once: it costs no time that
// could be measured beside a dispatch.
constexpr int64_t kFew = 65'536;

using Flags = FourierEnds::Flags;

Dtype computing_of(const Place& to, int64_t numbers, const vulkan::DeviceInfo& device) {
  const bool wide = to.dtype == Dtype::c128 || to.dtype == Dtype::f64;
  return wide || (device.has_f64 && numbers <= kFew) ? Dtype::c128 : Dtype::c64;
}

// Any length, as a convolution with a chirp, which is a product of transforms of a convenient length.
class Bluestein {
 public:
  Bluestein(int64_t length, Dtype computing, PlanBuilder& plan)
      : length_(length), whole_(whole_of(length, computing, plan)), computing_(computing), plan_(plan) {}

  int64_t whole() const { return whole_; }
  Result<void> append_tables();
  Result<void> append(const Place& from, const Place& to, const Ends& ends, Room& room) const;

 private:
  // A power of two where those are best.
  static int64_t whole_of(int64_t length, Dtype computing, const PlanBuilder& plan) {
    const int64_t least = 2 * length - 1;
    return fourier_power_most(computing, plan.device()) > 0 ? std::bit_ceil(static_cast<uint64_t>(least))
                                                            : convenient_length(least);
  }

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
  const uint32_t words[] = {static_cast<uint32_t>(length_), static_cast<uint32_t>(whole_)};
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
  back.flags = Flags::kConjugateOut | (ends.flags & Flags::kDivided);
  if ((ends.flags & Flags::kConjugateOut) != 0) back.flags |= Flags::kConjugateLast;
  back.divisor_2 = static_cast<double>(whole_);
  if (!std::has_single_bit(static_cast<uint64_t>(whole_))) back.flags |= Flags::kDivided;
  return append_smooth(product, to, whole_, back, room, plan_);
}

}  // namespace

Result<void> append_transform(const Place& from, const Place& to, const Transform& transform, PlanBuilder& plan) {
  const int64_t length = transform.length, outer = to.map.shape[0], inner = to.map.shape[1];
  if (length > kLongest)
    return plan.unsupported(concat("a length of ", length, "; the greatest supported is ", kLongest));
  const Dtype computing = computing_of(to, outer * inner * length, plan.device());
  const std::optional<Parts> parts = smooth_parts(from, to, length, computing, plan);
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
    ends.flags = Flags::kConjugateIn | Flags::kConjugateOut;
    if (!std::has_single_bit(static_cast<uint64_t>(length))) ends.flags |= Flags::kDivided;
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
