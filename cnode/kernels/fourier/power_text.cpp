#include "kernels/fourier/power_text.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/concat.h"

namespace gpu_node::kernels {
namespace {

std::string number(uint32_t i) { return concat("v", i); }
// Turns of a stage: those before its first radix, of number |fine| a, and those between its two.
std::string coarse_turn(size_t stage, uint32_t a) { return concat("coarse", stage, "_", a); }
std::string fine_turn(size_t stage, uint32_t f) { return concat("fine", stage, "_", f); }

}  // namespace

PowerText::PowerText(const FourierPower& pass) : pass_(pass), made_(pass.elements) {
  for (uint32_t done = 1; done < pass.length; done *= stages_.back().radix)
    stages_.push_back({std::min(pass.elements, pass.length / done), done});
}

std::string PowerText::text() {
  const auto place = [](bool along) { return along ? "place_of(true)" : "place_of(false)"; };
  line(concat("uvec2 in_at = ", place(pass_.along_in), ", out_at = ", place(pass_.along_out), ";"));
  line("uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * TOGETHER;");
  take();
  turns();
  if (!pass_.cut_in) block("has(kConjugateIn)", [this] { each("conjugated"); });
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    butterflies(stage);
    if (stage + 1 < stages_.size()) exchange(stage);
  }
  put();
  return std::move(text_);
}

void PowerText::line(std::string_view statement) { text_ += concat(indent_, statement, "\n"); }

// While numbers come. The first of each kind; the others are made of them where they are needed, as products of three
// at most, so hardly anything is lost and few registers are taken.
void PowerText::turns() {
  for (size_t s = 1; s < stages_.size(); ++s) {
    const Stage& stage = stages_[s];
    const std::string at =
        stage.done < pass_.around() ? concat("out_at.y % ", stage.done, "u") : std::string("out_at.y");
    const auto turn = [&](const std::string& name, uint32_t times) {
      line(concat("VEC ", name, " = turn(", at, " * ", times, "u, ", stage.done * stage.radix, "u);"));
    };
    turn(coarse_turn(s, 1), stage.fine());
    if (stage.fine() > 1) turn(fine_turn(s, 1), 1);
  }
}

void PowerText::powers(size_t stage) {
  const auto more = [&](uint32_t count, const auto& turn) {
    for (uint32_t i = 2; i < count; ++i)
      line(concat("VEC ", turn(stage, i), " = product(", turn(stage, i - 1), ", ", turn(stage, 1), ");"));
  };
  more(stages_[stage].coarse(), coarse_turn);
  more(stages_[stage].fine(), fine_turn);
}

void PowerText::block(std::string_view condition, const std::function<void()>& lines) {
  line(concat("if (", condition, ") {"));
  indent_ += "  ";
  lines();
  indent_.resize(indent_.size() - 2);
  line("}");
}

void PowerText::each(std::string_view function) {
  for (uint32_t i = 0; i < pass_.elements; ++i) line(concat(number(i), " = ", function, "(", number(i), ");"));
}

// In a block of their own, behind which compilers do not move loads: so all are under way before the first is waited
// for. What is done to numbers or not is asked for once, not for each.
void PowerText::take() {
  std::string names;
  for (uint32_t i = 0; i < pass_.elements; ++i) names += concat(i == 0 ? "VEC " : ", ", number(i), " = VEC(0, 0)");
  line(names + ";");
  block("first + in_at.x < P_ROWS", [this] {
    line("uvec4 from = row_of(first + in_at.x);");
    if (pass_.unit_in) {
      line("uint place = start_in(from) + whole_in(from) + in_at.y;");
      for (uint32_t i = 0; i < pass_.elements; ++i)
        line(concat(number(i), " = loaded(place + ", i * pass_.around(), "u);"));
      return;
    }
    line("uint start = start_in(from), whole = whole_in(from) + in_at.y * P_IN_BY, apart = AROUND * P_IN_BY;");
    if (pass_.cut_in) {
      for (uint32_t i = 0; i < pass_.elements; ++i)
        line(concat(number(i), " = taken(start, whole + ", i, "u * apart);"));
      return;
    }
    line("uint place = start + whole * P_IN_STEP, step = apart * P_IN_STEP;");
    for (uint32_t i = 0; i < pass_.elements; ++i) line(concat(number(i), " = loaded(place + ", i, "u * step);"));
  });
}

void PowerText::rotate(const std::string& value, uint32_t k, uint32_t n) {
  k %= n;
  if (k == 0) return;
  const auto set = [&](const std::string& expression) { line(concat(value, " = ", expression, ";")); };
  const std::string back = concat("turned_back(", value, ")");
  switch (8 * k % n == 0 ? 8 * k / n : 0) {
    case 1:
      return set(concat("(", value, " + ", back, ") * ROOT_HALF"));
    case 2:
      return set(back);
    case 3:
      return set(concat("(", back, " - ", value, ") * ROOT_HALF"));
    case 4:
      return set(concat("-", value));
    case 5:
      return set(concat("(", value, " + ", back, ") * -ROOT_HALF"));
    case 6:
      return set(concat("-", back));
    case 7:
      return set(concat("(", value, " - ", back, ") * ROOT_HALF"));
    default:
      break;
  }
  const double angle = -2 * std::numbers::pi * k / n;
  set(concat("product(", value, ", VEC(", fourier_number(std::cos(angle), pass_.wide()), ", ",
             fourier_number(std::sin(angle), pass_.wide()), "))"));
}

void PowerText::butterflies(size_t stage) {
  if (stage > 0) powers(stage);
  for (uint32_t which = 0; which < pass_.elements / stages_[stage].radix; ++which) butterfly(stage, which);
}

// By the place of the butterfly in the row's invocations: of the last stage's more than one the others are turned
// further, by a constant.
void PowerText::turn_inputs(size_t stage, uint32_t which) {
  const uint32_t radix = stages_[stage].radix, fine = stages_[stage].fine(), apart = pass_.elements / radix;
  for (uint32_t q = 1; q < radix; ++q) {
    const std::string value = number(which + q * apart);
    if (q >= fine) line(concat(value, " = product(", value, ", ", coarse_turn(stage, q / fine), ");"));
    rotate(value, which * q, pass_.elements);
  }
}

void PowerText::butterfly(size_t stage, uint32_t which) {
  const uint32_t radix = stages_[stage].radix, fine = stages_[stage].fine(), coarse = stages_[stage].coarse();
  const uint32_t apart = pass_.elements / radix;
  const auto place = [&](uint32_t q) { return which + q * apart; };
  if (stage > 0) turn_inputs(stage, which);
  const auto meet = [&](uint32_t count, uint32_t first, uint32_t step) {
    std::string list;
    for (uint32_t i = 0; i < count; ++i) list += concat(i == 0 ? "" : ", ", number(place(first + i * step)));
    line(concat("radix_", count, "(", list, ");"));
  };
  for (uint32_t f = 0; f < fine; ++f) meet(coarse, f, fine);
  for (uint32_t k = 0; k < coarse; ++k) {
    for (uint32_t f = 1; f < fine; ++f) {
      const std::string value = number(place(k * fine + f));
      if (stage > 0) line(concat(value, " = product(", value, ", ", fine_turn(stage, f), ");"));
      rotate(value, f * k, radix);
    }
    if (fine > 1) meet(fine, k * fine, 1);
    for (uint32_t f = 0; f < fine; ++f) made_[place(k + f * coarse)] = place(k * fine + f);
  }
}

void PowerText::exchange(size_t stage) {
  const uint32_t radix = stages_[stage].radix, done = stages_[stage].done;
  const auto slot = [this](const std::string& name, const std::string& at, const std::string& place) {
    line(concat("uint ", name, " = slot(", at, ".x * ", pass_.row_step(), "u + (", place, ") * ", pass_.place_step(),
                "u);"));
  };
  const std::string at = stage == 0 ? "in_at" : "out_at";
  slot(concat("to", stage), at, concat(at, ".y / ", done, "u * ", done * radix, "u + ", at, ".y % ", done, "u"));
  if (stage == 0) slot("tile_at", "out_at", "out_at.y");
  for (const std::string_view part :
       pass_.halves ? std::vector<std::string_view>{".x", ".y"} : std::vector<std::string_view>{""}) {
    if (stage > 0 || part == ".y") line("barrier();");
    write(stage, part);
    line("barrier();");
    read(part);
  }
}

// The number |place| places behind |name|, whose bits there are 0. Those above the banks' are added as they are.
std::string PowerText::in_tile(const std::string& name, uint32_t place) const {
  const uint32_t slot = pass_.slot(place * pass_.place_step()), low = slot % pass_.banks(), high = slot - low;
  const std::string begin = low == 0 ? name : concat("(", name, " ^ ", low, "u)");
  return concat("tile[", begin, " + ", high, "u]");
}

// All but the last stage have the radix of as many numbers as an invocation has.
void PowerText::write(size_t stage, std::string_view part) {
  for (uint32_t q = 0; q < pass_.elements; ++q)
    line(concat(in_tile(concat("to", stage), q * stages_[stage].done), " = ", number(made_[q]), part, ";"));
}

void PowerText::read(std::string_view part) {
  for (uint32_t i = 0; i < pass_.elements; ++i)
    line(concat(number(i), part, " = ", in_tile("tile_at", i * pass_.around()), ";"));
}

// By k times the row's place, of P_TURN parts: the k-th number of a row is taken as the sum of three, whose turns are
// few.
void PowerText::turn_outputs() {
  const uint32_t fine = std::min(4U, pass_.elements);
  const auto turn = [&](const std::string& name, const std::string& k) {
    line(concat("VEC ", name, " = turn(", k, " * to.w, P_TURN);"));
  };
  const auto power = [&](const std::string& name, const std::string& one, const std::string& other) {
    line(concat("VEC ", name, " = product(", one, ", ", other, ");"));
  };
  turn("fine1", concat(pass_.around(), "u"));
  for (uint32_t f = 2; f < fine; ++f) power(concat("fine", f), concat("fine", f - 1), "fine1");
  turn("coarse0", "out_at.y");
  if (fine < pass_.elements) turn("further", concat(fine * pass_.around(), "u"));
  for (uint32_t i = 0; i < pass_.elements; ++i) {
    const std::string coarse = concat("coarse", i / fine), value = number(made_[i]);
    if (i > 0 && i % fine == 0) power(coarse, concat("coarse", i / fine - 1), "further");
    line(concat(value, " = product(", value, ", ", coarse, ");"));
    if (i % fine > 0) line(concat(value, " = product(", value, ", fine", i % fine, ");"));
  }
}

void PowerText::put() {
  block("first + out_at.x < P_ROWS", [this] {
    line("uvec4 to = row_of(first + out_at.x);");
    if (pass_.turned) turn_outputs();
    if (!pass_.unit_out)
      line("uint start = start_out(to), whole = whole_out(to) + out_at.y * P_OUT_BY, apart = AROUND * P_OUT_BY;");
    if (pass_.cut_out) {
      for (uint32_t i = 0; i < pass_.elements; ++i)
        line(concat("put(", number(made_[i]), ", start, whole + ", i, "u * apart);"));
      return;
    }
    block("has(kConjugateOut)", [this] { each("conjugated"); });
    block("has(kScaled)", [this] { each("scaled"); });
    block("EPS >= REAL(0)", [this] { each("cleared"); });
    line(pass_.unit_out ? "uint place = start_out(to) + whole_out(to) + out_at.y;"
                        : "uint place = start + whole * P_OUT_STEP, step = apart * P_OUT_STEP;");
    for (uint32_t i = 0; i < pass_.elements; ++i) {
      const std::string behind = pass_.unit_out ? concat(i * pass_.around(), "u") : concat(i, "u * step");
      line(concat("stored(", number(made_[i]), ", place + ", behind, ");"));
    }
  });
}

}  // namespace gpu_node::kernels
