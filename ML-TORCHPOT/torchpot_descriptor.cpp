// What all descriptors share, and the choice of the SIMD target.
#include "torchpot_descriptor.h"

#include "torchpot_error.h"

#include "hwy/targets.h"

#include <algorithm>
#include <cstdlib>

namespace torchpot {

double Descriptor::max_cutoff() const
{
  double largest = 0.0;
  for (int i = 0; i < n_elements(); i++)
    for (int j = 0; j < n_elements(); j++) largest = std::max(largest, cutoff(i, j));
  return largest;
}

namespace {

struct Target {
  const char *name;
  std::int64_t bit;
};

// best first; "baseline" is what every processor of the architecture can do
constexpr Target TARGETS[] = {
#if HWY_ARCH_X86
    {"avx512", HWY_AVX3},
    {"avx2", HWY_AVX2},
    {"sse4", HWY_SSE4},
    {"ssse3", HWY_SSSE3},
#endif
#if HWY_ARCH_ARM
    {"neon", HWY_NEON},
#endif
    {"baseline", HWY_EMU128 | HWY_SCALAR},
};

std::string joined(const std::vector<std::string> &names)
{
  std::string text;
  for (const std::string &name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void choose(const std::string &name, const std::string &where)
{
  hwy::SetSupportedTargetsForTest(0);
  const std::int64_t usable = hwy::SupportedTargets();
  if (!name.empty()) {
    const auto target = std::find_if(std::begin(TARGETS), std::end(TARGETS),
                                     [&](const Target &t) { return name == t.name; });
    if (target == std::end(TARGETS) || !(usable & target->bit))
      throw Error("this SIMD target cannot be used here", where, name,
                  "one of " + joined(simd_targets()));
    hwy::SetSupportedTargetsForTest(usable & target->bit);
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}    // namespace

std::vector<std::string> simd_targets()
{
  const std::int64_t chosen = hwy::SupportedTargets();
  hwy::SetSupportedTargetsForTest(0);
  const std::int64_t usable = hwy::SupportedTargets();
  hwy::SetSupportedTargetsForTest(chosen);
  std::vector<std::string> names;
  for (const Target &target : TARGETS)
    if (usable & target.bit) names.push_back(target.name);
  return names;
}

std::string simd_target()
{
  const std::int64_t chosen = hwy::SupportedTargets();
  for (const Target &target : TARGETS)
    if (chosen & target.bit) return target.name;
  return "baseline";
}

void set_simd_target(const std::string &name)
{
  choose(name, "SIMD target");
}

void choose_simd_target_once()
{
  static const bool done = [] {
    const char *name = std::getenv("TORCHPOT_SIMD");
    if (name && *name) choose(name, "environment variable TORCHPOT_SIMD");
    return true;
  }();
  (void) done;
}

}    // namespace torchpot
