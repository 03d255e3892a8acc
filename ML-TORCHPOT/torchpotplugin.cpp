/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Makes pair style torchpot and fix fitdump known to LAMMPS.

#include "torchpot_lammpsplugin.h"

#include "fix_fitdump.h"
#include "pair_torchpot.h"

#include "error.h"
#include "lammps.h"

#include <string>

// C function of the running LAMMPS, the same in all versions
extern "C" int lammps_version(void *);

using namespace LAMMPS_NS;

static void *create_pair(void *lammps)
{
  return new PairTorchpot(static_cast<LAMMPS *>(lammps));
}

static void *create_fix(void *lammps, int narg, char **arg)
{
  return new FixFitdump(static_cast<LAMMPS *>(lammps), narg, arg);
}

/* ----------------------------------------------------------------------
   classes of another version have other members at other places: nothing
   may be called then
------------------------------------------------------------------------- */

static void check_version(LAMMPS *lmp)
{
  const int running = lammps_version(lmp);
  if (running == TORCHPOT_LAMMPS_VERSION) return;
  lmp->error->all(FLERR,
                  "torchpot was built for LAMMPS version " +
                      std::to_string(TORCHPOT_LAMMPS_VERSION) + " and was loaded by version " +
                      std::to_string(running) +
                      ". Build torchpot again with -D LAMMPS_ROOT naming this LAMMPS, or run "
                      "the LAMMPS that it was built for");
}

void lammpsplugin_init(void *lammps, void *handle, void *register_function)
{
  auto *lmp = static_cast<LAMMPS *>(lammps);
  check_version(lmp);
  const auto register_style = reinterpret_cast<torchpot_plugin_register>(register_function);

  torchpot_plugin plugin;
  plugin.version = lmp->version;
  plugin.author = "the torchpot developers";
  plugin.handle = handle;

  plugin.style = "pair";
  plugin.name = "torchpot";
  plugin.info = "torchpot " TORCHPOT_VERSION " pair style";
  plugin.creator.pair = create_pair;
  register_style(&plugin, lammps);

  plugin.style = "fix";
  plugin.name = "fitdump";
  plugin.info = "torchpot " TORCHPOT_VERSION " fix style";
  plugin.creator.fix = create_fix;
  register_style(&plugin, lammps);
}
