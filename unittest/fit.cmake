torchpot_test(test_settings FILES fit/test_ini.cpp fit/test_settings.cpp
  fit/test_settings_solver.cpp LINK torchpot_fit_core)
torchpot_test(test_fit_data
  FILES fit/test_data_notes.cpp fit/test_fit_descriptors.cpp fit/test_load.cpp
    fit/test_scrape_fitdump.cpp fit/test_scrape_json.cpp fit/test_scrape_xyz.cpp
    fit/test_split.cpp
  LINK torchpot_fit_core nlohmann_json::nlohmann_json)
torchpot_test(test_reference FILES fit/test_awkward_cells.cpp fit/test_reference.cpp
  LINK torchpot_fit_core torchpot_reference)
torchpot_test(test_outputs FILES fit/test_outputs.cpp LINK torchpot_fit_core)
torchpot_test(test_mliap_export FILES fit/test_mliap_export.cpp LINK torchpot_fit_outputs)
torchpot_test(test_committee_fit FILES fit/test_committee_fit.cpp
  LINK torchpot_fit_core nlohmann_json::nlohmann_json)
torchpot_test(test_report FILES fit/test_report.cpp LINK torchpot_fit_core)
torchpot_test(test_fit_files FILES fit/test_fit_files.cpp
  LINK torchpot_fit_core nlohmann_json::nlohmann_json)
torchpot_test(test_model_tool FILES fit/test_model_tool.cpp
  LINK torchpot_model_checks nlohmann_json::nlohmann_json)
target_compile_definitions(test_model_tool PRIVATE
  TORCHPOT_MODEL_PROGRAM="$<TARGET_FILE:torchpot_model>")
add_dependencies(test_model_tool torchpot_model)
torchpot_test(test_loss FILES fit/test_loss.cpp fit/test_stress_loss.cpp LINK torchpot_fit_core)
torchpot_test(test_all_training FILES fit/test_all_training.cpp LINK torchpot_fit_core)
torchpot_test(test_predict_time FILES fit/test_predict_time.cpp LINK torchpot_fit_core)
torchpot_test(test_linear_fit FILES fit/test_linear_fit.cpp LINK torchpot_fit_core)
torchpot_test(test_linear_solver FILES fit/test_design_rows.cpp fit/test_linear_solver.cpp
  fit/test_snap_files.cpp LINK torchpot_fit_core)
torchpot_test(test_checkpoint FILES fit/test_checkpoint.cpp LINK torchpot_fit_core)
torchpot_test(test_initial_state FILES fit/test_initial_state.cpp LINK torchpot_fit_core)
torchpot_test(test_trainer FILES fit/test_progress.cpp fit/test_trainer.cpp LINK torchpot_fit_core)
torchpot_test(test_torch_loss FILES fit/test_torch_loss.cpp LINK torchpot_fit_core)
