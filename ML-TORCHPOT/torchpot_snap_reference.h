// SNAP by its defining sums, one atom at a time: what "correct" means for the fast kernels.
#ifndef TORCHPOT_SNAP_REFERENCE_H
#define TORCHPOT_SNAP_REFERENCE_H

#include "torchpot_descriptor.h"

namespace torchpot {

std::unique_ptr<Descriptor> make_snap_reference(const SnapParameters &parameters);

/// Switching functions of SNAP. value and derivative with respect to r (LAMMPS, compute sna/atom).
double snap_switch(const SnapParameters &p, double r, double cutoff, double &derivative);
double snap_switch_inner(double r, double sinner, double dinner, double &derivative);

}    // namespace torchpot

#endif
