// The main of a pass over rows whose length is a power of two, written out: every place of a register, every turn by a
// constant and every distance in shared memory is a literal.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/fourier/fourier_power.h"

namespace gpu_node::kernels {

class PowerText {
 public:
  explicit PowerText(const FourierPower& pass);

  std::string text();

 private:
  // A radix, and the product of those before it.
  struct Stage {
    uint32_t radix = 1, done = 1;

    // A radix is done as two, of which numbers that are a multiple of |fine| apart meet first.
    uint32_t fine() const { return radix > 4 ? radix / 4 : 1; }
    uint32_t coarse() const { return radix / fine(); }
  };

  void line(std::string_view statement);
  void block(std::string_view condition, const std::function<void()>& lines);
  // |function| of each number.
  void each(std::string_view function);
  void turns();
  void take();
  void butterflies(size_t stage);
  void butterfly(size_t stage, uint32_t which);
  void powers(size_t stage);
  void turn_inputs(size_t stage, uint32_t which);
  void exchange(size_t stage);
  void write(size_t stage, std::string_view part);
  void read(std::string_view part);
  std::string in_tile(const std::string& name, uint32_t place) const;
  void turn_outputs();
  void put();
  // |value|, a variable, is turned back by |k| of |n| parts.
  void rotate(const std::string& value, uint32_t k, uint32_t n);

  const FourierPower& pass_;
  std::vector<Stage> stages_;
  std::vector<uint32_t> made_;  // which register has what is to be number k of the next order
  std::string text_, indent_ = "  ";
};

}  // namespace gpu_node::kernels
