// Settings of `pair_style torchpot`, and the record of them that a binary restart keeps.
#ifndef TORCHPOT_PAIR_SETTINGS_H
#define TORCHPOT_PAIR_SETTINGS_H

#include <string>
#include <vector>

namespace torchpot {

/// Keywords as the user gave them; defaults as documented (doc/pair_torchpot.md).
struct PairSettings {
  std::string device = "auto";        // auto, cpu, cuda
  std::string precision = "model";    // model, float32, float64
  std::string comm = "auto";          // auto, exchange, shell
  bool check = false;
  int chunk = 0;            // atoms per model call, 0 = automatic
  std::string operators;    // shared library, empty = none
  bool plain = false;       // kernels plain

  bool operator==(const PairSettings &other) const;
};

/// words: keyword value keyword value ... Throws Error naming the word that cannot be used and
/// what is known in its place.
PairSettings parse_pair_settings(const std::vector<std::string> &words);
/// The words that give these settings.
std::vector<std::string> pair_settings_words(const PairSettings &settings);

/// What pair_coeff named.
struct PairModelFile {
  std::string name;      // as given
  std::string path;      // where it was found
  std::string sha256;    // of its bytes
};

/// All that a restart file keeps of the style.
struct PairRecord {
  PairSettings settings;
  std::vector<PairModelFile> files;     // path is not kept
  std::vector<std::string> elements;    // per atom type, NULL where the style has no part

  /// Throws Error that says which stored file or element differs from the ones given now, and
  /// what to do `next`.
  void require_same(const std::vector<PairModelFile> &given,
                    const std::vector<std::string> &given_elements, const std::string &where,
                    const std::string &next) const;
};

std::string pair_record_text(const PairRecord &record);
/// Throws Error for a text that pair_record_text() did not write.
PairRecord pair_record_from(const std::string &text, const std::string &where);

/// "a b c"
std::string joined(const std::vector<std::string> &words, const std::string &between = " ");

}    // namespace torchpot

#endif
