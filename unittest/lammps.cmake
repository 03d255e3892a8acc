# against LAMMPS's own SNAP, in one process
torchpot_test(test_snap_lammps FILES lammps/test_snap_lammps.cpp LINK torchpot_core torchpot::lammps)

# LAMMPS with the plugin as a program, on one and on several ranks
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_executable(make_models lammps/make_models.cpp)
target_link_libraries(make_models PRIVATE torchpot_model_file)

# the plugin's entry as if it were built for another LAMMPS, without the styles themselves
add_library(wrong_version_plugin MODULE ${PROJECT_SOURCE_DIR}/ML-TORCHPOT/torchpotplugin.cpp)
target_compile_definitions(wrong_version_plugin PRIVATE LMP_PAIR_TORCHPOT_H LMP_FIX_FITDUMP_H
  TORCHPOT_VERSION="0" TORCHPOT_LAMMPS_VERSION=20200101)
target_compile_options(wrong_version_plugin PRIVATE
  -include ${CMAKE_CURRENT_SOURCE_DIR}/lammps/plugin_without_styles.h)
target_link_libraries(wrong_version_plugin PRIVATE torchpot::lammps_headers)
set_target_properties(wrong_version_plugin PROPERTIES PREFIX "" OUTPUT_NAME torchpotplugin
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/wrong_version)

# torchpot_python_test(NAME): the functions test_* of lammps/NAME.py, each a ctest
function(torchpot_python_test name)
  set(script ${CMAKE_CURRENT_SOURCE_DIR}/lammps/${name}.py)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${script})
  file(STRINGS ${script} lines REGEX "^def test_")
  foreach(line ${lines})
    string(REGEX REPLACE "^def (test_[a-z0-9_]+).*" "\\1" case "${line}")
    add_test(NAME ${name}:${case} COMMAND ${Python3_EXECUTABLE} -B ${script} ${case})
    set_tests_properties(${name}:${case} PROPERTIES LABELS ${label} TIMEOUT 600
      ENVIRONMENT "TORCHPOT_LMP=${CMAKE_BINARY_DIR}/bin/lmp;\
TORCHPOT_MPIRUN=${CMAKE_BINARY_DIR}/bin/mpirun;\
TORCHPOT_PLUGIN_DIR=$<TARGET_FILE_DIR:torchpotplugin>;\
TORCHPOT_WRONG_PLUGIN_DIR=$<TARGET_FILE_DIR:wrong_version_plugin>;\
TORCHPOT_MAKE_MODELS=$<TARGET_FILE:make_models>;\
TORCHPOT_MODEL=$<TARGET_FILE:torchpot_model>;\
TORCHPOT_FIT=$<TARGET_FILE:torchpot_fit>")
  endforeach()
endfunction()

foreach(name test_pair_snap test_pair_ranks test_pair_derivatives test_pair_use test_pair_errors
    test_pair_restart test_fix_fitdump test_torchpot_fit test_fit_ranks test_fit_committee
    test_fit_linear test_mliap_export test_initial_state)
  torchpot_python_test(${name})
endforeach()
