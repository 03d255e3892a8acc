// An array that owns its numbers or refers to numbers that somebody else keeps.
#ifndef TORCHPOT_FIT_ARRAY_H
#define TORCHPOT_FIT_ARRAY_H

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace torchpot {

/// Large arrays of a data set lie in memory that the ranks of a node share, or in a file mapped
/// into memory; small ones and those that are being made are vectors.
template <class T> class Array {
 public:
  using value_type = T;
  using const_iterator = const T *;

  Array() = default;
  Array(std::vector<T> values) : own(std::move(values)) {}
  Array(std::initializer_list<T> values) : own(values) {}

  const T *data() const { return view ? view : own.data(); }
  std::size_t size() const { return view ? n_view : own.size(); }
  bool empty() const { return size() == 0; }
  const T &operator[](std::size_t k) const { return data()[k]; }
  const T &front() const { return data()[0]; }
  const T &back() const { return data()[size() - 1]; }
  const T *begin() const { return data(); }
  const T *end() const { return data() + size(); }

  operator std::vector<T>() const { return {begin(), end()}; }

  /// The vector to be changed; numbers of others are copied first.
  std::vector<T> &edit()
  {
    if (view) own.assign(view, view + n_view);
    view = nullptr;
    return own;
  }
  /// From now on n numbers elsewhere, which must live as long as this object is used.
  void refer(const T *values, std::size_t n)
  {
    std::vector<T>().swap(own);
    view = values;
    n_view = n;
  }

  friend bool operator==(const Array &a, const Array &b)
  {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
  }
  friend bool operator!=(const Array &a, const Array &b) { return !(a == b); }

 private:
  std::vector<T> own;
  const T *view = nullptr;
  std::size_t n_view = 0;
};

}    // namespace torchpot

#endif
