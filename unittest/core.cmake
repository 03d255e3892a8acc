# the core by itself
torchpot_test(test_neighborhoods FILES core/test_neighborhoods.cpp LINK torchpot_core)
torchpot_test(test_snap FILES core/test_snap.cpp LINK torchpot_core)
torchpot_test(test_fitdump_file FILES core/test_fitdump_file.cpp
  LINK torchpot_fitdump_file torchpot::hdf5)
torchpot_test(test_network FILES core/test_network.cpp LINK torchpot_core)
torchpot_test(test_network_batch FILES core/test_network_batch.cpp LINK torchpot_core)
torchpot_test(test_model_file FILES core/test_model_file.cpp LINK torchpot_model_file)
find_package(Python3 REQUIRED COMPONENTS Interpreter)    # with the package torch
target_compile_definitions(test_model_file PRIVATE TORCHPOT_PYTHON="${Python3_EXECUTABLE}"
  TORCHPOT_TEST_SOURCE="${CMAKE_CURRENT_SOURCE_DIR}")
torchpot_test(test_extxyz FILES core/test_extxyz.cpp LINK torchpot_fitdump_file)
torchpot_test(test_pair_settings FILES core/test_pair_settings.cpp LINK torchpot_core)
torchpot_test(test_check FILES core/test_check.cpp LINK torchpot_core)
torchpot_test(test_committee FILES core/test_committee.cpp LINK torchpot_core)
