// Products with stored descriptor derivatives: forces from gradients, and the transpose.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "torchpot_derivative_products.cpp"
#include "hwy/foreach_target.h"

#include "hwy/highway.h"

#include "torchpot_network_batch.h"

HWY_BEFORE_NAMESPACE();
namespace torchpot {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<double>;
using V = hn::Vec<D>;

HWY_INLINE V load(const double *from)
{
  return hn::LoadU(D(), from);
}

HWY_INLINE V load(const float *from)
{
  return hn::PromoteTo(D(), hn::LoadU(hn::Rebind<float, D>(), from));
}

template <class T>
HWY_INLINE void forward(std::size_t n, std::size_t n_blocks, const T *HWY_RESTRICT d,
                        const int *HWY_RESTRICT row, const int *HWY_RESTRICT column,
                        const double *HWY_RESTRICT g, double *HWY_RESTRICT f)
{
  const D tag;
  const std::size_t N = hn::Lanes(tag), whole = n / N * N;
  for (std::size_t b = 0; b < n_blocks; b++, d += 3 * n) {
    const double *const x = g + (std::size_t) row[b] * n;
    double *const to = f + (std::size_t) column[b] * 3;
    V sum0 = hn::Zero(tag), sum1 = sum0, sum2 = sum0;
    std::size_t k = 0;
    for (; k < whole; k += N) {
      const V y = hn::LoadU(tag, x + k);
      sum0 = hn::MulAdd(load(d + k), y, sum0);
      sum1 = hn::MulAdd(load(d + n + k), y, sum1);
      sum2 = hn::MulAdd(load(d + 2 * n + k), y, sum2);
    }
    double rest[3] = {0.0, 0.0, 0.0};
    for (; k < n; k++)
      for (int c = 0; c < 3; c++) rest[c] += d[c * n + k] * x[k];
    to[0] += hn::GetLane(hn::SumOfLanes(tag, sum0)) + rest[0];
    to[1] += hn::GetLane(hn::SumOfLanes(tag, sum1)) + rest[1];
    to[2] += hn::GetLane(hn::SumOfLanes(tag, sum2)) + rest[2];
  }
}

template <class T>
HWY_INLINE void adjoint(std::size_t n, std::size_t n_blocks, const T *HWY_RESTRICT d,
                        const int *HWY_RESTRICT row, const int *HWY_RESTRICT column,
                        const double *HWY_RESTRICT w, double *HWY_RESTRICT h)
{
  const D tag;
  const std::size_t N = hn::Lanes(tag), whole = n / N * N;
  for (std::size_t b = 0; b < n_blocks; b++, d += 3 * n) {
    const double *const x = w + (std::size_t) column[b] * 3;
    double *const to = h + (std::size_t) row[b] * n;
    const V x0 = hn::Set(tag, x[0]), x1 = hn::Set(tag, x[1]), x2 = hn::Set(tag, x[2]);
    std::size_t k = 0;
    for (; k < whole; k += N) {
      V sum = hn::LoadU(tag, to + k);
      sum = hn::MulAdd(x0, load(d + k), sum);
      sum = hn::MulAdd(x1, load(d + n + k), sum);
      sum = hn::MulAdd(x2, load(d + 2 * n + k), sum);
      hn::StoreU(sum, tag, to + k);
    }
    for (; k < n; k++) to[k] += x[0] * d[k] + x[1] * d[n + k] + x[2] * d[2 * n + k];
  }
}

// the dispatch tables want plain functions of their own for each type

#define TORCHPOT_PRODUCT(NAME, KERNEL, T)                                                         \
  void NAME(std::size_t n, std::size_t n_blocks, const T *d, const int *row, const int *column,   \
            const double *x, double *y)                                                           \
  {                                                                                               \
    KERNEL(n, n_blocks, d, row, column, x, y);                                                    \
  }
TORCHPOT_PRODUCT(ForwardDouble, forward, double)
TORCHPOT_PRODUCT(ForwardFloat, forward, float)
TORCHPOT_PRODUCT(AdjointDouble, adjoint, double)
TORCHPOT_PRODUCT(AdjointFloat, adjoint, float)
#undef TORCHPOT_PRODUCT

}    // namespace HWY_NAMESPACE
}    // namespace torchpot
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace torchpot {
HWY_EXPORT(ForwardDouble);
HWY_EXPORT(ForwardFloat);
HWY_EXPORT(AdjointDouble);
HWY_EXPORT(AdjointFloat);

void derivative_forward(int n, std::size_t n_blocks, const double *d, const int *row,
                        const int *column, const double *g, double *f)
{
  HWY_DYNAMIC_DISPATCH(ForwardDouble)((std::size_t) n, n_blocks, d, row, column, g, f);
}

void derivative_forward(int n, std::size_t n_blocks, const float *d, const int *row,
                        const int *column, const double *g, double *f)
{
  HWY_DYNAMIC_DISPATCH(ForwardFloat)((std::size_t) n, n_blocks, d, row, column, g, f);
}

void derivative_adjoint(int n, std::size_t n_blocks, const double *d, const int *row,
                        const int *column, const double *w, double *h)
{
  HWY_DYNAMIC_DISPATCH(AdjointDouble)((std::size_t) n, n_blocks, d, row, column, w, h);
}

void derivative_adjoint(int n, std::size_t n_blocks, const float *d, const int *row,
                        const int *column, const double *w, double *h)
{
  HWY_DYNAMIC_DISPATCH(AdjointFloat)((std::size_t) n, n_blocks, d, row, column, w, h);
}

}    // namespace torchpot
#endif
