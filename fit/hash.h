// SHA-256, for cache keys and data records.
#ifndef TORCHPOT_FIT_HASH_H
#define TORCHPOT_FIT_HASH_H

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace torchpot {

/// SHA-256 of what is added.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(ContentHash &&) noexcept;
  ContentHash &operator=(ContentHash &&) noexcept;
  void add(const void *bytes, std::size_t n);
  /// Length and content, so that neighboring texts cannot run into each other.
  void add(const std::string &text);
  template <class T> void add(const std::vector<T> &values)
  {
    const std::size_t n = values.size();
    add(&n, sizeof n);
    add(values.data(), n * sizeof(T));
  }
  /// 64 hexadecimal digits; the object is then used up.
  std::string digest();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation;
};

}    // namespace torchpot

#endif
