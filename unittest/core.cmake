# the core by itself
torchpot_test(test_neighborhoods FILES core/test_neighborhoods.cpp LINK torchpot_core)
torchpot_test(test_snap FILES core/test_snap.cpp LINK torchpot_core)
torchpot_test(test_fitdump_file FILES core/test_fitdump_file.cpp
  LINK torchpot_fitdump_file torchpot::hdf5)
torchpot_test(test_network FILES core/test_network.cpp LINK torchpot_core)
torchpot_test(test_network_batch FILES core/test_network_batch.cpp LINK torchpot_core)
