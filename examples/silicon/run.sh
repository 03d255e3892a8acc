#!/usr/bin/env bash
# Trains a potential for silicon and runs molecular dynamics with it; afterwards see results/.
# Wants lmp, mpirun and torchpot_fit on the PATH: source build/env.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../tools/common.sh
log=$PWD/results
for program in lmp mpirun torchpot_fit; do
  command -v $program > /dev/null || give_up "$program is not on the PATH. First: source build/env.sh"
done

mkdir -p results
rm -f results/*.h5
step collect-train "Collect 434 configurations to learn from (fix fitdump)" "20 s" \
  lmp -in in.collect -log none -var file results/train.h5 -var seed 1 -var frames 30
step collect-test "Collect 126 more to test with" "10 s" \
  lmp -in in.collect -log none -var file results/test.h5 -var seed 2 -var frames 8

say "==> Train a network on them (torchpot_fit, 2 min)"
(cd results && OMP_NUM_THREADS=$(nproc) torchpot_fit ../silicon.fit --overwrite) | tee results/fit.log

step md "Run 5,000 steps with it on 2 ranks (pair_style torchpot)" "30 s" \
  mpirun -np 2 lmp -in in.run -log results/run.lammps

# ---------------------------------------------------------------- the table

# slope of column 5, energy per atom, over time in ps: least squares
drift=$(awk '/^ *Step/ { on = 1; next } /^Loop time/ { on = 0 }
  on && NF == 6 { t = $1 * 0.001; y = $5; if (!n) y0 = y; y -= y0
                  n++; st += t; sy += y; stt += t * t; sty += t * y }
  END { printf "%.1e", (n * sty - st * sy) / (n * stt - st * st) }' results/run.lammps)
speed=$(awk '/^Loop time/ { printf "%.0f", $9 * $12 / $4 / 1000 }' results/run.lammps)
ratio=$(awk '/^  Test/ { on = 1 } /^  Training/ { on = 0 }
  on && $1 == "all" { error = $6 } on && $1 == "zero" { mean = $7 }
  END { printf "%.1f", 100 * error / mean }' results/fit.log)

say
say "Silicon: errors on configurations that were not trained on, and molecular dynamics"
awk '/^  Test/ { on = 1 } /^ *$/ { on = 0 } on' results/fit.log
printf '\n'
printf '  %-46s %s\n' \
  "force error, of the mean force" "$ratio %" \
  "drift of the total energy, 5 ps from 500 K" "$drift eV/atom/ps" \
  "speed, 512 atoms on 2 ranks" "$speed thousand atom-steps/s"
say
say "Report: $PWD/results/report.html"
say "Model:  $PWD/results/silicon.pt"
