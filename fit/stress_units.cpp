// Volumes and pressure units, in which data have stresses and tables show them.
#include "stress_units.h"

#include <cmath>

namespace torchpot {

double pressure_factor(const std::string &units)
{
  if (units == "metal") return 1.6021765e6;
  if (units == "real") return 68568.415;
  if (units == "electron") return 2.94210108e13;
  return 1.0;    // lj, si, cgs, micro and nano
}

ShownPressure shown_pressure(const std::string &units)
{
  if (units == "metal") return {"GPa", 1e-4};
  if (units == "real") return {"GPa", 1.01325e-4};
  return {"pressure unit", 1.0};
}

double cell_volume(const Cell &cell)
{
  const double *a = cell.vectors[0], *b = cell.vectors[1], *c = cell.vectors[2];
  return std::fabs(a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) +
                   a[2] * (b[0] * c[1] - b[1] * c[0]));
}

}    // namespace torchpot
