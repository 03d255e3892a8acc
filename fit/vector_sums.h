// Sums over vectors of parameters, in a fixed order.
#ifndef TORCHPOT_FIT_VECTOR_SUMS_H
#define TORCHPOT_FIT_VECTOR_SUMS_H

#include <cstddef>
#include <vector>

namespace torchpot {

inline double dot(const std::vector<double> &a, const std::vector<double> &b)
{
  double sum = 0.0;
  for (std::size_t k = 0; k < a.size(); k++) sum += a[k] * b[k];
  return sum;
}

/// y += a x
inline void add_multiple(std::vector<double> &y, double a, const std::vector<double> &x)
{
  for (std::size_t k = 0; k < y.size(); k++) y[k] += a * x[k];
}

}    // namespace torchpot

#endif
