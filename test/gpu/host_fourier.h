// The Fourier transform on the host, in long double.
#pragma once

#include <complex>
#include <vector>

namespace gpu_node::test {

using WideRow = std::vector<std::complex<long double>>;

// Term by term.
WideRow direct_fourier(const WideRow& row, bool inverse);
// By primes, and by a chirp where one is large.
WideRow host_fourier(const WideRow& row, bool inverse);

// How far |got| is from |exact|: the root of the sum of squares, of |exact|'s.
double relative_distance(const WideRow& got, const WideRow& exact);

}  // namespace gpu_node::test
