// One model, or several whose mean is the potential.
#include "torchpot_committee.h"

#include "torchpot_error.h"

#include <algorithm>

namespace torchpot {
namespace {

/// factor * (sum of functions), of the same descriptors.
template <class T> class SumEnergy : public BlockEnergy<T> {
 public:
  std::vector<BlockEnergy<T> *> terms;
  T factor = 1;

  bool is_linear() const override
  {
    return std::all_of(terms.begin(), terms.end(), [](const auto *f) { return f->is_linear(); });
  }

  void operator()(int width, const int *element, const T *descriptor, T *energy,
                  T *gradient) override
  {
    (*terms[0])(width, element, descriptor, energy, gradient);
    if (terms.size() == 1 && factor == T(1)) return;
    const std::size_t n = (std::size_t) width * n_descriptors;
    one_energy.resize(width);
    one_gradient.resize(n);
    for (std::size_t m = 1; m < terms.size(); m++) {
      (*terms[m])(width, element, descriptor, one_energy.data(), one_gradient.data());
      for (int lane = 0; lane < width; lane++) energy[lane] += one_energy[lane];
      for (std::size_t k = 0; k < n; k++) gradient[k] += one_gradient[k];
    }
    for (int lane = 0; lane < width; lane++) energy[lane] *= factor;
    for (std::size_t k = 0; k < n; k++) gradient[k] *= factor;
  }

  int n_descriptors = 0;

 private:
  std::vector<T> one_energy, one_gradient;
};

/// Energies and gradients that were evaluated before, handed out center by center.
class StoredEnergy : public BlockEnergy<double> {
 public:
  std::vector<double> energy, gradient;    // [n_centers], [n_centers][n_descriptors]
  int n_descriptors = 0;

  void next_centers(int n, const int *first_center) override
  {
    n_used = n;
    center = first_center;
  }

  void operator()(int width, const int *, const double *, double *e, double *g) override
  {
    for (int lane = 0; lane < width; lane++) {
      const std::size_t i = center[lane < n_used ? lane : 0];
      e[lane] = energy[i];
      for (int k = 0; k < n_descriptors; k++)
        g[(std::size_t) k * width + lane] = gradient[i * n_descriptors + k];
    }
  }

 private:
  int n_used = 0;
  const int *center = nullptr;
};

BatchFunction reference_network(const NetworkParameters &parameters)
{
  return [parameters](int n, const int *element, const double *descriptor, double *energy,
                      double *gradient) {
    const std::size_t k = parameters.n_descriptors;
    for (int i = 0; i < n; i++)
      energy[i] = network_reference(parameters, element[i], descriptor + i * k, gradient + i * k);
  };
}

void require_same(const std::string &what, const std::string &first, const std::string &other,
                  std::size_t number)
{
  if (first != other)
    throw Error("the models of a committee must have the same " + what,
                "model number " + std::to_string(number + 1), other, first + " (model number 1)");
}

std::string listed(const std::vector<std::string> &words)
{
  std::string text;
  for (const std::string &word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}    // namespace

struct Committee::Part {
  std::string json;    // of the descriptor
  std::unique_ptr<Descriptor> descriptor;
  std::vector<int> members;

  // one of these three holds a function per member
  std::vector<std::unique_ptr<BlockEnergy<double>>> functions;
  std::vector<std::unique_ptr<BlockEnergy<float>>> functions_float;
  std::vector<BatchFunction> networks;

  void compute(const Neighborhoods &hoods, const std::vector<int> &which, double factor,
               double *energy, double *pair_gradient)
  {
    if (!networks.empty())
      stored(hoods, which, factor, energy, pair_gradient);
    else if (!functions.empty())
      fused(functions, hoods, which, factor, energy, pair_gradient);
    else
      fused(functions_float, hoods, which, factor, energy, pair_gradient);
  }

 private:
  template <class T>
  void fused(const std::vector<std::unique_ptr<BlockEnergy<T>>> &all, const Neighborhoods &hoods,
             const std::vector<int> &which, double factor, double *energy, double *pair_gradient)
  {
    SumEnergy<T> sum;
    sum.n_descriptors = descriptor->n_descriptors();
    sum.factor = (T) factor;
    for (int m : which) sum.terms.push_back(all[m].get());
    descriptor->energies_and_gradients(hoods, sum, energy, pair_gradient);
  }

  void stored(const Neighborhoods &hoods, const std::vector<int> &which, double factor,
              double *energy, double *pair_gradient)
  {
    const std::size_t n = hoods.n_centers, n_all = n * descriptor->n_descriptors();
    value.resize(n_all);
    one_energy.resize(n);
    one_gradient.resize(n_all);
    result.n_descriptors = descriptor->n_descriptors();
    result.energy.assign(n, 0.0);
    result.gradient.assign(n_all, 0.0);
    descriptor->values(hoods, value.data());
    for (int m : which) {
      networks[m]((int) n, hoods.element, value.data(), one_energy.data(), one_gradient.data());
      for (std::size_t i = 0; i < n; i++) result.energy[i] += factor * one_energy[i];
      for (std::size_t k = 0; k < n_all; k++) result.gradient[k] += factor * one_gradient[k];
    }
    descriptor->energies_and_gradients(hoods, result, energy, pair_gradient);
  }

  StoredEnergy result;
  std::vector<double> value, one_energy, one_gradient;
};

Committee::Committee(const std::vector<Model> &models, Precision precision, bool fast,
                     std::vector<BatchFunction> networks) :
    n_models((int) models.size())
{
  if (models.empty()) throw Error("a potential needs at least one model");
  for (std::size_t m = 0; m < models.size(); m++) {
    const Model &model = models[m];
    require_same("elements", listed(models[0].elements), listed(model.elements), m);
    require_same("units", models[0].units, model.units, m);
    const std::string json = descriptor_to_json(model.descriptor);
    auto found = std::find_if(parts.begin(), parts.end(),
                              [&](const auto &part) { return part->json == json; });
    if (found == parts.end()) {
      parts.push_back(std::make_unique<Part>());
      found = parts.end() - 1;
      (*found)->json = json;
      (*found)->descriptor = make_snap(model.descriptor, fast);
    }
    Part &part = **found;
    part.members.push_back((int) m);
    if (!networks.empty())
      part.networks.push_back(networks[m]);
    else if (!fast)
      part.networks.push_back(reference_network(model.network));
    else if (precision == Precision::float32)
      part.functions_float.push_back(make_block_energy<float>(model.network));
    else
      part.functions.push_back(make_block_energy<double>(model.network));
  }
}

Committee::~Committee() = default;

double Committee::cutoff(int element1, int element2) const
{
  double largest = 0.0;
  for (const auto &part : parts)
    largest = std::max(largest, part->descriptor->cutoff(element1, element2));
  return largest;
}

void Committee::compute(const Neighborhoods &hoods, double *energy, double *pair_gradient)
{
  const std::size_t n = hoods.n_centers, n3 = 3 * hoods.n_pairs();
  for (std::size_t p = 0; p < parts.size(); p++) {
    std::vector<int> which(parts[p]->members.size());
    for (std::size_t m = 0; m < which.size(); m++) which[m] = (int) m;
    if (p == 0) {
      parts[p]->compute(hoods, which, 1.0 / n_models, energy, pair_gradient);
      continue;
    }
    part_energy.resize(n);
    part_gradient.resize(n3);
    parts[p]->compute(hoods, which, 1.0 / n_models, part_energy.data(), part_gradient.data());
    for (std::size_t i = 0; i < n; i++) energy[i] += part_energy[i];
    for (std::size_t k = 0; k < n3; k++) pair_gradient[k] += part_gradient[k];
  }
}

void Committee::compute_member(int m, const Neighborhoods &hoods, double *energy,
                               double *pair_gradient)
{
  for (auto &part : parts) {
    const auto found = std::find(part->members.begin(), part->members.end(), m);
    if (found == part->members.end()) continue;
    part->compute(hoods, {(int) (found - part->members.begin())}, 1.0, energy, pair_gradient);
    return;
  }
  throw Error("there is no such model in the committee", "", std::to_string(m + 1),
              "1 to " + std::to_string(n_models));
}

}    // namespace torchpot
