// Volumes and pressure units, in which data have stresses and tables show them.
#ifndef TORCHPOT_FIT_STRESS_UNITS_H
#define TORCHPOT_FIT_STRESS_UNITS_H

#include "torchpot_neighborhoods.h"

#include <string>

namespace torchpot {

/// One energy per volume of LAMMPS's unit style in its pressure unit: nktv2p, as LAMMPS has it.
double pressure_factor(const std::string &units);

/// The unit in which stresses are shown, and what one pressure unit of `units` is in it.
struct ShownPressure {
  std::string unit;
  double factor;
};
ShownPressure shown_pressure(const std::string &units);

/// Positive, whatever the handedness of the cell.
double cell_volume(const Cell &cell);

inline bool is_periodic(const Cell &cell)
{
  return cell.periodic[0] && cell.periodic[1] && cell.periodic[2];
}

}    // namespace torchpot

#endif
