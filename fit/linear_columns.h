// The coefficients of a linear fit, and what an atom adds to their columns.
#ifndef TORCHPOT_FIT_LINEAR_COLUMNS_H
#define TORCHPOT_FIT_LINEAR_COLUMNS_H

#include "dataset.h"
#include "settings.h"
#include "torchpot_network.h"

#include <cstddef>
#include <vector>

namespace torchpot {

/// The coefficients of a linear or quadratic model, as FitSNAP orders them: for each element a
/// constant if there is one, K of the descriptors and, if quadratic, the upper triangle of their
/// products (of squares the half).
struct LinearColumns {
  int n_elements = 1, n_descriptors = 0;
  bool constant = false, quadratic = false;
  std::vector<char> active;    // [n_elements][K] descriptors that an element has; empty: all

  std::size_t n_features() const;    // of an element, without the constant
  std::size_t per_element() const { return constant + n_features(); }
  std::size_t count() const { return n_elements * per_element(); }

  /// [count()] whether a coefficient is zero since its element does not have the descriptor.
  std::vector<char> inactive() const;

  /// Adds factor times features of an atom, or of derivatives d of its descriptors b, to a row.
  void add_values(int element, const double *b, double factor, double *row) const;
  void add_derivatives(int element, const double *b, const double *d, double factor,
                       double *row) const;
};

/// Those of the input: a constant with bzeroflag = 0, elements with a smaller twojmax have fewer
/// descriptors. Throws Error if there are too many.
LinearColumns linear_columns(const Dataset &dataset, const Settings &settings);

/// The model of these coefficients, without shift and scale of the descriptors.
NetworkParameters linear_model(const LinearColumns &columns, std::vector<double> x);
/// The coefficients of such a model; false for models of another kind.
bool linear_coefficients(const LinearColumns &columns, const NetworkParameters &model,
                         std::vector<double> &x);

}    // namespace torchpot

#endif
