# against LAMMPS's own SNAP, in one process
torchpot_test(test_snap_lammps FILES lammps/test_snap_lammps.cpp LINK torchpot_core torchpot::lammps)
