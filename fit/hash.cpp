// SHA-256 by OpenSSL.
#include "hash.h"

#include "torchpot_error.h"

#include <openssl/evp.h>

namespace torchpot {

struct ContentHash::Implementation {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  ~Implementation() { EVP_MD_CTX_free(context); }
};

ContentHash::ContentHash() : implementation(std::make_unique<Implementation>())
{
  if (!implementation->context ||
      !EVP_DigestInit_ex(implementation->context, EVP_sha256(), nullptr))
    throw Error("SHA-256 is not available", "libcrypto");
}

ContentHash::~ContentHash() = default;
ContentHash::ContentHash(ContentHash &&) noexcept = default;
ContentHash &ContentHash::operator=(ContentHash &&) noexcept = default;

void ContentHash::add(const void *bytes, std::size_t n)
{
  EVP_DigestUpdate(implementation->context, bytes, n);
}

void ContentHash::add(const std::string &text)
{
  const std::size_t n = text.size();
  add(&n, sizeof n);
  add(text.data(), n);
}

std::string ContentHash::digest()
{
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  EVP_DigestFinal_ex(implementation->context, bytes, &n);
  std::string text;
  for (unsigned int i = 0; i < n; i++) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

}    // namespace torchpot
