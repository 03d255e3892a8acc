// SNAP descriptor: parameters, and the packing of atoms into SIMD blocks.
#include "torchpot_descriptor.h"
#include "torchpot_error.h"
#include "torchpot_snap_kernel.h"
#include "torchpot_snap_reference.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace torchpot {

int SnapParameters::n_descriptors() const
{
  const int n = (int) bispectrum_indices(twojmax).size(), m = chemflag ? (int) elements.size() : 1;
  return n * m * m * m;
}

double SnapParameters::cutoff(int element1, int element2) const
{
  return rcutfac * (radelem[element1] + radelem[element2]);
}

void SnapParameters::validate(const std::string &where) const
{
  const auto require = [&](bool good, const char *field, const std::string &found,
                           const char *wanted) {
    if (!good)
      throw Error(std::string("cannot use ") + field, where, found, wanted,
                  "See the ML-IAP descriptor file format of LAMMPS");
  };
  const auto number = [](double x) { return std::to_string(x); };
  const std::size_t n = elements.size();
  require(n > 0, "elems", "none", "at least one element");
  for (std::size_t i = 0; i < n; i++)
    require(std::count(elements.begin(), elements.end(), elements[i]) == 1, "elems",
            elements[i] + " twice", "each element once");
  require(twojmax >= 0 && twojmax <= 20, "twojmax", std::to_string(twojmax), "0 to 20");
  require(rcutfac > 0.0 && std::isfinite(rcutfac), "rcutfac", number(rcutfac), "a positive number");
  require(std::isfinite(rfac0) && rfac0 > 0.0 && rfac0 <= 1.0, "rfac0", number(rfac0),
          "a number above 0 and not above 1");
  require(radelem.size() == n, "radelems", std::to_string(radelem.size()) + " values",
          "one per element");
  require(welem.size() == n, "welems", std::to_string(welem.size()) + " values",
          "one per element");
  double smallest = INFINITY;
  for (std::size_t i = 0; i < n; i++) {
    require(radelem[i] > 0.0 && std::isfinite(radelem[i]), "radelems", number(radelem[i]),
            "positive numbers");
    require(std::isfinite(welem[i]), "welems", number(welem[i]), "numbers");
    smallest = std::min(smallest, 2.0 * radelem[i] * rcutfac);
  }
  require(rmin0 >= 0.0 && rmin0 < smallest, "rmin0", number(rmin0),
          "a number from 0 to less than the smallest cutoff");
  if (!switchinnerflag) return;
  require(sinnerelem.size() == n, "sinnerelems", std::to_string(sinnerelem.size()) + " values",
          "one per element with switchinnerflag 1");
  require(dinnerelem.size() == n, "dinnerelems", std::to_string(dinnerelem.size()) + " values",
          "one per element with switchinnerflag 1");
  for (std::size_t i = 0; i < n; i++) {
    require(std::isfinite(sinnerelem[i]), "sinnerelems", number(sinnerelem[i]), "numbers");
    require(dinnerelem[i] > 0.0 && std::isfinite(dinnerelem[i]), "dinnerelems",
            number(dinnerelem[i]), "positive numbers");
  }
}

template <class T>
SnapSetup<T>::SnapSetup(const SnapParameters &p) :
    tables(p.twojmax, p.bnormflag), n_chem(p.chemflag ? (int) p.elements.size() : 1),
    rfac0((T) p.rfac0), rmin0((T) p.rmin0), switchflag(p.switchflag),
    switchinnerflag(p.switchinnerflag), bnormflag(p.bnormflag)
{
  for (const BispectrumIndex &b : tables.component)
    bzero.push_back(!p.bzeroflag ? T(0) : p.bnormflag ? T(1) : T(b.j + 1));
}

template <class T> void SnapBlock<T>::resize_slots(int n)
{
  n_slots = n;
  const std::size_t size = (std::size_t) std::max(n, 1) * width;
  if (cutoff.size() >= size) return;
  for (auto *array : {&cutoff, &weight, &sinner, &dinner}) array->resize(size);
  vector.resize(3 * size);
  gradient.resize(3 * size);
  slot_chem.resize(std::max(n, 1));
}

namespace {

/// Packs centers into blocks: atoms of one element and of like neighbor count share a block, so
/// that few lanes idle. Every lane is summed in the order of its own neighbors, so that results
/// do not depend on how atoms were packed.
template <class T> class SnapPacking {
 public:
  explicit SnapPacking(const SnapParameters &parameters) : p(parameters), setup(p) {}

  template <class Use> void for_each_block(const Neighborhoods &hoods, Use use)
  {
    if (block.width != snap_block_width<T>()) {
      block = SnapBlock<T>();
      snap_block_prepare(setup, block);
    }
    select(hoods);
    for (std::size_t start = 0; start < order.size(); start += block.width) {
      n_used = (int) std::min<std::size_t>(block.width, order.size() - start);
      fill(hoods, start);
      use();
    }
  }

  int center(int lane) const { return order[block_start + lane]; }
  const int *centers() const { return order.data() + block_start; }
  /// Row of the caller's pair arrays, or -1 for an idle lane.
  std::ptrdiff_t pair(int slot, int lane) const
  {
    return slot_pair[(std::size_t) slot * block.width + lane];
  }

  const SnapParameters p;
  const SnapSetup<T> setup;
  SnapBlock<T> block;
  int n_used = 0;

 private:
  // pairs within the cutoff, ordered by chemical element of the neighbor if that matters
  void select(const Neighborhoods &hoods)
  {
    const int n_chem = setup.n_chem, n = hoods.n_centers;
    inside.clear();
    inside.reserve(hoods.n_pairs());
    first_inside.assign((std::size_t) n * n_chem + 1, 0);
    for (int i = 0; i < n; i++)
      for (int chem = 0; chem < n_chem; chem++) {
        for (std::size_t q = hoods.first[i] - hoods.first[0];
             q < hoods.first[i + 1] - hoods.first[0]; q++) {
          const int e = hoods.neighbor_element[q];
          if (n_chem > 1 && e != chem) continue;
          const double *r = hoods.vector + 3 * q;
          const double rsq = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
          const double rc = p.cutoff(hoods.element[i], e);
          // atoms on top of one another have no direction: LAMMPS leaves them out, so do we
          if (rsq < rc * rc && rsq > 1e-20) inside.push_back(q);
        }
        first_inside[(std::size_t) i * n_chem + chem + 1] = inside.size();
      }
    order.resize(n);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int a, int b) {
      if (hoods.element[a] != hoods.element[b]) return hoods.element[a] < hoods.element[b];
      for (int chem = 0; chem < n_chem; chem++)
        if (count(a, chem) != count(b, chem)) return count(a, chem) < count(b, chem);
      return a < b;
    });
  }

  std::size_t count(int i, int chem) const
  {
    const std::size_t row = (std::size_t) i * setup.n_chem + chem;
    return first_inside[row + 1] - first_inside[row];
  }

  void fill(const Neighborhoods &hoods, std::size_t start)
  {
    block_start = start;
    const int width = block.width, n_chem = setup.n_chem;
    int n_slots = 0;
    std::vector<int> chem_first(n_chem + 1, 0);
    for (int chem = 0; chem < n_chem; chem++) {
      std::size_t longest = 0;
      for (int lane = 0; lane < n_used; lane++)
        longest = std::max(longest, count(order[start + lane], chem));
      n_slots += (int) longest;
      chem_first[chem + 1] = n_slots;
    }
    block.resize_slots(n_slots);
    slot_pair.assign((std::size_t) n_slots * width, -1);
    for (int chem = 0; chem < n_chem; chem++)
      for (int s = chem_first[chem]; s < chem_first[chem + 1]; s++) block.slot_chem[s] = chem;

    for (int lane = 0; lane < width; lane++) {
      const int i = order[start + (lane < n_used ? lane : 0)];
      const int e = hoods.element[i];
      block.element[lane] = e;
      for (int chem = 0; chem < n_chem; chem++)
        block.self[(std::size_t) chem * width + lane] =
            n_chem == 1 || chem == e || p.wselfallflag ? T(1) : T(0);
      for (int chem = 0; chem < n_chem; chem++) {
        const std::size_t *row = &first_inside[(std::size_t) i * n_chem + chem];
        const int n_real = lane < n_used ? (int) (row[1] - row[0]) : 0;
        int s = chem_first[chem];
        for (int k = 0; k < n_real; k++, s++) fill_slot(hoods, e, s, lane, inside[row[0] + k]);
        for (; s < chem_first[chem + 1]; s++) fill_idle(e, s, lane);
      }
    }
  }

  void fill_slot(const Neighborhoods &hoods, int e, int s, int lane, std::size_t q)
  {
    const std::size_t at = (std::size_t) s * block.width + lane;
    const int neighbor = hoods.neighbor_element[q];
    slot_pair[at] = (std::ptrdiff_t) q;
    for (int c = 0; c < 3; c++)
      block.vector[((std::size_t) 3 * s + c) * block.width + lane] = (T) hoods.vector[3 * q + c];
    block.cutoff[at] = (T) p.cutoff(e, neighbor);
    block.weight[at] = (T) p.welem[neighbor];
    if (p.switchinnerflag) {
      block.sinner[at] = (T) (0.5 * (p.sinnerelem[e] + p.sinnerelem[neighbor]));
      block.dinner[at] = (T) (0.5 * (p.dinnerelem[e] + p.dinnerelem[neighbor]));
    }
  }

  // somewhere harmless, with no weight
  void fill_idle(int e, int s, int lane)
  {
    const std::size_t at = (std::size_t) s * block.width + lane;
    const T rc = (T) p.cutoff(e, e);
    for (int c = 0; c < 3; c++)
      block.vector[((std::size_t) 3 * s + c) * block.width + lane] =
          c == 2 ? T(0.5) * (rc + setup.rmin0) : T(0);
    block.cutoff[at] = rc;
    block.weight[at] = T(0);
    if (p.switchinnerflag) {
      block.sinner[at] = T(0);
      block.dinner[at] = T(1);
    }
  }

  std::vector<std::size_t> inside, first_inside;
  std::vector<int> order;
  std::vector<std::ptrdiff_t> slot_pair;
  std::size_t block_start = 0;
};

class SnapFast : public Descriptor {
 public:
  explicit SnapFast(const SnapParameters &parameters) : p(parameters), packing(p) {}

  int n_elements() const override { return (int) p.elements.size(); }
  int n_descriptors() const override { return packing.setup.n_descriptors(); }
  double cutoff(int element1, int element2) const override { return p.cutoff(element1, element2); }

  void values(const Neighborhoods &hoods, double *value) override
  {
    packing.for_each_block(hoods, [&] {
      snap_block_values(packing.setup, packing.block);
      store_values(packing, value);
    });
  }

  void derivatives(const Neighborhoods &hoods, double *value, double *derivative) override
  {
    const std::size_t n = n_descriptors();
    std::fill(derivative, derivative + 3 * n * hoods.n_pairs(), 0.0);
    packing.for_each_block(hoods, [&] {
      SnapBlock<double> &block = packing.block;
      snap_block_values(packing.setup, block);
      store_values(packing, value);
      for (int s = 0; s < block.n_slots; s++) {
        snap_block_derivative(packing.setup, block, s);
        for (int lane = 0; lane < packing.n_used; lane++) {
          const std::ptrdiff_t q = packing.pair(s, lane);
          if (q < 0) continue;
          for (std::size_t k = 0; k < 3 * n; k++)
            derivative[3 * n * q + k] = block.derivative[k * block.width + lane];
        }
      }
    });
  }

  void energies_and_gradients(const Neighborhoods &hoods, BlockEnergy<double> &function,
                              double *energy, double *pair_gradient, double *value) override
  {
    fused(packing, hoods, function, energy, pair_gradient, value);
  }

  void energies_and_gradients(const Neighborhoods &hoods, BlockEnergy<float> &function,
                              double *energy, double *pair_gradient, double *value) override
  {
    if (!packing_float) packing_float = std::make_unique<SnapPacking<float>>(p);
    fused(*packing_float, hoods, function, energy, pair_gradient, value);
  }

 private:
  template <class T> void store_values(SnapPacking<T> &pack, double *value)
  {
    const std::size_t n = n_descriptors();
    for (int lane = 0; lane < pack.n_used; lane++)
      for (std::size_t k = 0; k < n; k++)
        value[pack.center(lane) * n + k] = pack.block.descriptor[k * pack.block.width + lane];
  }

  template <class T>
  void fused(SnapPacking<T> &pack, const Neighborhoods &hoods, BlockEnergy<T> &function,
             double *energy, double *pair_gradient, double *value)
  {
    std::fill(pair_gradient, pair_gradient + 3 * hoods.n_pairs(), 0.0);
    pack.for_each_block(hoods, [&] {
      SnapBlock<T> &block = pack.block;
      function.next_centers(pack.n_used, pack.centers());
      snap_block_energy(pack.setup, block, function, value != nullptr);
      if (value) store_values(pack, value);
      for (int lane = 0; lane < pack.n_used; lane++) {
        energy[pack.center(lane)] = block.energy[lane];
        for (int s = 0; s < block.n_slots; s++) {
          const std::ptrdiff_t q = pack.pair(s, lane);
          if (q < 0) continue;
          for (int c = 0; c < 3; c++)
            pair_gradient[3 * q + c] =
                block.gradient[((std::size_t) 3 * s + c) * block.width + lane];
        }
      }
    });
  }

  const SnapParameters p;
  SnapPacking<double> packing;
  std::unique_ptr<SnapPacking<float>> packing_float;
};

}    // namespace

template struct SnapSetup<double>;
template struct SnapSetup<float>;
template struct SnapBlock<double>;
template struct SnapBlock<float>;

std::unique_ptr<Descriptor> make_snap(const SnapParameters &parameters, bool fast)
{
  if (!fast) return make_snap_reference(parameters);
  parameters.validate("SNAP descriptor");
  choose_simd_target_once();
  return std::make_unique<SnapFast>(parameters);
}

}    // namespace torchpot
