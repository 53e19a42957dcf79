// Functions of densities that the C++ library lacks, in double, to the last digits.
#pragma once

namespace gpu_node::scalar {

double sigmoid(double x);      // 1 / (1 + exp(-x))
double log_sigmoid(double x);  // -softplus(-x)
double softplus(double x);     // log(1 + exp(x))
double digamma(double x);      // derivative of lgamma; NaN at -1, -2, ..., -inf at 0 and inf at -0
double erf_inv(double y);

}  // namespace gpu_node::scalar
