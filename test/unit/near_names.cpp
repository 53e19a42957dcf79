// Which name somebody may have meant.
#include "base/near_names.h"

#include <doctest/doctest.h>

namespace gpu_node {

TEST_CASE("near names: a letter or two, or upper and lower case") {
  const std::vector<std::string> names = {"support", "shape", "data", "X", "mu"};
  CHECK(nearest_name("suport", names) == "support");
  CHECK(nearest_name("supports", names) == "support");
  CHECK(nearest_name("sepprot", names) == "support");
  CHECK(nearest_name("shaep", names) == "shape");
  CHECK(nearest_name("Data", names) == "data");
  CHECK(nearest_name("x", names) == "X");
  CHECK(nearest_name("nu", names) == "mu");
  // Not near: three letters, another name of one letter, nothing in common.
  CHECK(!nearest_name("spprts_", names));
  CHECK(!nearest_name("y", names));
  CHECK(!nearest_name("ab", names));
  CHECK(!nearest_name("", names));
  CHECK(!nearest_name(std::string(100'000, 'x'), names));
  CHECK(!nearest_name("x", {}));
  CHECK(nearest_name("beta1", {"beta22", "beta2"}) == "beta2");
}

TEST_CASE("near names: as messages say them") {
  CHECK(there_are("nu", {}) == "; there are none");
  CHECK(there_are("sigma", {"mu"}) == "; there is mu");
  CHECK(there_are("sgima", {"mu", "sigma"}) == "; there are mu, sigma; did you mean 'sigma'?");
  CHECK(did_you_mean("sgima", {"mu", "sigma"}) == "; did you mean 'sigma'?");
  CHECK(did_you_mean("tau", {"mu", "sigma"}).empty());
}

}  // namespace gpu_node
