# the core by itself
torchpot_test(test_neighborhoods FILES core/test_neighborhoods.cpp LINK torchpot_core)
torchpot_test(test_snap FILES core/test_snap.cpp LINK torchpot_core)
