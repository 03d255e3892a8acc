// In place of the headers of the styles, for a plugin that must not get as far as making one.
#ifndef PLUGIN_WITHOUT_STYLES_H
#define PLUGIN_WITHOUT_STYLES_H

namespace LAMMPS_NS {

class LAMMPS;

struct PairTorchpot {
  explicit PairTorchpot(LAMMPS *) {}
};
struct FixFitdump {
  FixFitdump(LAMMPS *, int, char **) {}
};

}    // namespace LAMMPS_NS

#endif
