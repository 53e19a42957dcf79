// Families of specs/families under the leapfrog oracle, against trajectories that were checked elsewhere.
#include <doctest/doctest.h>

#include <cmath>

#include "chain/family.h"
#include "chain/leapfrog.h"
#include "source_folder.h"

namespace gpu_node::chain {
namespace {

struct Recorded {
  const char* family;
  std::map<std::string, double> parameters;
  std::vector<double> position;
  std::vector<double> momentum;
  std::vector<double> logp;
};

// Three steps of 0.05 from one point in four dimensions.
const Recorded kRecorded[] = {
    {"normal",
     {{"mu", 0.3}, {"sigma", 1.7}},
     {0.37977088096, -0.206522772415, 0.563021290405, 0.055829989678},
     {0.196630299703, -0.073871631588, 0.036670916021, -0.288466443283},
     {-5.861778825262, -5.863899600491, -5.866040131111}},
    {"beta",
     {{"alpha", 2}, {"beta", 5}},
     {0.35620136283, -0.213944303454, 0.510258466775, 0.036474426828},
     {-0.117636665858, -0.271110273712, -0.312961277311, -0.543614166645},
     {-7.395898409979, -7.328257146276, -7.21378127987}},
    {"gamma",
     {{"alpha", 3}, {"beta", 2}},
     {0.381526792084, -0.199825726051, 0.554278907438, 0.064179126091},
     {0.217578596692, 0.104638586634, -0.021928830277, -0.175235331397},
     {-2.221107486168, -2.230450221068, -2.235067388519}},
    {"lognormal",
     {{"mu", 0.2}, {"sigma", 0.7}},
     {0.376364005033, -0.202890475256, 0.548834153924, 0.057593847748},
     {0.149875543968, 0.023100932777, -0.057699561908, -0.262770169709},
     {-2.580687231254, -2.58766534628, -2.591288822846}},
    {"exponential",
     {{"lambda", 1.5}},
     {0.367134721913, -0.208766417113, 0.529054606414, 0.047865785323},
     {0.027337947416, -0.133443552703, -0.187985644042, -0.39254842185},
     {-5.193047957193, -5.17707330875, -5.145151771935}},
    {"half_normal",
     {{"sigma", 1.3}},
     {0.377612120376, -0.204098445497, 0.547356080572, 0.05832404475},
     {0.166093232933, -0.009192964876, -0.067338947575, -0.25391355522},
     {-3.206771574547, -3.213270126812, -3.216323032615}},
    {"student_t",
     {{"mu", 0.2}, {"sigma", 0.9}, {"nu", 4}},
     {0.377269597061, -0.204178216531, 0.553206198302, 0.056954999734},
     {0.162340026909, -0.011249290877, -0.028760281926, -0.271930961751},
     {-3.74810545614, -3.754474400555, -3.75917317798}},
    {"cauchy",
     {{"location", 0.1}, {"scale", 2}},
     {0.378568912873, -0.20666929978, 0.560145436002, 0.055074966035},
     {0.180504579089, -0.077752870641, 0.017503379282, -0.29831437849},
     {-7.441254536456, -7.443725272092, -7.446046491334}},
    {"weibull",
     {{"k", 1.8}, {"lambda", 1.2}},
     {0.372476126995, -0.202449234046, 0.527164971738, 0.058186501091},
     {0.096607091445, 0.034808635072, -0.197920355196, -0.254074503492},
     {-2.189996544685, -2.187381247588, -2.170343377267}},
};

Family load(const std::string& name) {
  auto family = load_family(test::source_folder() + "/specs/families/" + name + ".json");
  REQUIRE_MESSAGE(family.ok(), (family.ok() ? "" : family.error().message));
  return std::move(family).value();
}

// The vectors are written with twelve digits behind the point.
void check_close(double found, double wanted) {
  CHECK(std::fabs(found - wanted) <= 1e-12 * std::fmax(1, std::fabs(wanted)));
}

Trajectory run(const std::string& name, Inputs inputs, const std::vector<double>& q, const std::vector<double>& p,
               const std::vector<double>& inverse_mass, double step, int64_t steps) {
  const Family family = load(name);
  inputs.dimensions["d"] = static_cast<int64_t>(q.size());
  const auto binding = bind(family, inputs);
  REQUIRE(binding.ok());
  auto evaluator = Evaluator::make(family.program, *binding);
  REQUIRE(evaluator.ok());
  auto trajectory = leapfrog(*evaluator, q, p, inverse_mass, step, steps);
  REQUIRE(trajectory.ok());
  return std::move(trajectory).value();
}

}  // namespace

TEST_CASE("leapfrog: recorded trajectories of nine families") {
  for (const Recorded& row : kRecorded) {
    CAPTURE(row.family);
    const Trajectory found = run(row.family, {.parameters = row.parameters}, {.35, -.2, .55, .1}, {.2, -.1, .05, -.3},
                                 {1, .5, 2, 1}, 0.05, 3);
    for (size_t i = 0; i < 4; ++i) {
      check_close(found.positions[8 + i], row.position[i]);
      check_close(found.momenta[8 + i], row.momentum[i]);
    }
    for (size_t k = 0; k < 3; ++k) check_close(found.logp[k], row.logp[k]);
  }
}

TEST_CASE("leapfrog: entry k is the state after step k") {
  const Trajectory found = run("normal", {}, {1}, {.5}, {1}, 0.1, 2);
  check_close(found.positions[0], 1.045);
  check_close(found.momenta[0], 0.39775);
  check_close(found.gradients[0], -1.045);
  check_close(found.positions[1], 1.07955);
  CHECK(found.momenta[1] == doctest::Approx(0.29152).epsilon(1e-4));
  check_close(found.logp[1], -0.5 * 1.07955 * 1.07955 - 0.5 * std::log(2 * std::acos(-1.0)));
}

TEST_CASE("leapfrog: backwards in time it returns") {
  const Inputs inputs{.parameters = {{"alpha", 2}, {"beta", 5}}};
  const std::vector<double> q = {.35, -.2};
  const std::vector<double> p = {.2, -.1};
  const Trajectory there = run("beta", inputs, q, p, {1, 2}, 0.05, 10);
  const Trajectory back = run("beta", inputs, {there.positions.end() - 2, there.positions.end()},
                              {there.momenta.end() - 2, there.momenta.end()}, {1, 2}, -0.05, 10);
  for (size_t i = 0; i < 2; ++i) {
    check_close(back.positions[18 + i], q[i]);
    check_close(back.momenta[18 + i], p[i]);
  }
}

TEST_CASE("leapfrog: a run of seven steps begins with each shorter one") {
  const std::vector<double> q = {.35, -.2, .1};
  const Trajectory whole = run("student_t", {}, q, {1, 0, -1}, {1, 1, 1}, 0.2, 7);
  const Trajectory part = run("student_t", {}, q, {1, 0, -1}, {1, 1, 1}, 0.2, 4);
  CHECK(std::equal(part.positions.begin(), part.positions.end(), whole.positions.begin()));
  CHECK(std::equal(part.logp.begin(), part.logp.end(), whole.logp.begin()));
}

}  // namespace gpu_node::chain
