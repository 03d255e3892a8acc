#!/usr/bin/env bash
# The main job on an ordinary computer, from nothing: sets torchpot up (tools/setup.sh), collects
# reference data in LAMMPS, trains a potential and runs molecular dynamics with it
# (examples/silicon/run.sh). About 10 minutes the first time, 5 minutes from then on.
#
# usage: tools/quickstart.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

set_up "${programs[@]}"
. "$build/env.sh"
bash "$root/examples/silicon/run.sh"
say
say "To go on by yourself: source build/env.sh"
