// The keys of each section of an input file.
#include "settings_reader.h"

#include <map>

namespace torchpot {

namespace {

// [NETWORK] has the keys of [PYTORCH]; [GROUPS] and [ESHIFT] have lines named by the user besides
const std::map<std::string, std::vector<std::string>> &all_keys()
{
  static const std::map<std::string, std::vector<std::string>> KEYS = {
    {"BISPECTRUM",
     {"numTypes", "twojmax", "rcutfac", "rfac0", "rmin0", "wj", "radelem", "type", "wselfallflag",
      "chemflag", "bnormflag", "bzeroflag", "quadraticflag", "bikflag", "dgradflag", "switchflag",
      "switchinnerflag", "sinner", "dinner"}},
    {"CALCULATOR",
     {"calculator", "energy", "force", "stress", "per_atom_energy", "per_atom_scalar",
      "nonlinear"}},
    {"SOLVER",
     {"solver", "normalweight", "normratio", "compute_testerrs", "detailed_errors", "nsam",
      "cov_nugget", "mcmc_num", "mcmc_gamma", "mcmc_sigma", "merr_mult", "merr_method",
      "merr_cfs"}},
    {"RIDGE",
     {"alpha", "local_solver"}},
    {"PYTORCH",
     {"layer_sizes", "learning_rate", "num_epochs", "batch_size", "save_freq", "save_state_output",
      "save_state_input", "output_file", "energy_weight", "force_weight", "training_fraction",
      "multi_element_option", "num_elements", "manual_seed_flag", "shuffle_flag",
      "silence_ace_multi_warning", "dtype_setting"}},
    {"TORCHPOT",
     {"activation", "loss", "network", "precision", "fitdump", "test_fraction", "test_files",
      "cache", "model", "report", "seed", "checkpoint", "checkpoint_every", "threads", "optimizer",
      "schedule", "warmup", "final_rate", "decay", "patience", "weight_decay", "clip", "average",
      "early_stop", "energy_key", "forces_key", "stress_key", "virial_key", "group_key",
      "stress_unit", "stress_weight", "memory_limit", "derivatives", "device", "committee",
      "committee_data"}},
    {"SCRAPER",
     {"scraper", "save_group_scrape", "read_group_scrape", "property_array", "vasp_use_TOTEN",
      "vasp_json_pathname", "vasp_ignore_incomplete", "vasp_ignore_jsons",
      "vasp_unconverged_label", "vasp_xml_only", "vasp_outcar_only"}},
    {"PATH",
     {"dataPath", "groupFile"}},
    {"GROUPS",
     {"group_sections", "group_types", "smartweights", "random_sampling", "random_seed",
      "vasp_use_TOTEN", "vasp_json_pathname", "vasp_ignore_incomplete", "vasp_ignore_jsons",
      "vasp_unconverged_label", "BOLTZ"}},
    {"REFERENCE",
     {"units", "atom_style", "pair_style", "pair_coeff"}},
    {"OUTFILE",
     {"output_style", "metrics", "metrics_style", "potential", "detailed_errors"}},
    {"EXTRAS",
     {"dump_peratom", "dump_perconfig", "dump_configs", "dump_descriptors", "dump_truth",
      "dump_weights", "dump_dataframe", "only_test", "apply_transpose", "multinode_testing"}},
    {"MEMORY",
     {"memory", "override"}}};
  return KEYS;
}

}    // namespace

const std::vector<std::string> &known_keys(const std::string &section)
{
  return all_keys().at(section == "NETWORK" ? "PYTORCH" : section);
}

std::string section_of_key(const std::string &key)
{
  for (const auto &[section, keys] : all_keys())
    for (const std::string &known : keys)
      if (key == known) return section;
  return "";
}

}    // namespace torchpot
