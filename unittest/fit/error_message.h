// What an Error says, for tests of messages.
#ifndef TORCHPOT_TEST_ERROR_MESSAGE_H
#define TORCHPOT_TEST_ERROR_MESSAGE_H

#include "torchpot_error.h"

#include <string>

namespace torchpot_test {

/// The message of the Error that the function throws, or "no error".
template <class Function> std::string message(Function &&function)
{
  try {
    function();
  } catch (const torchpot::Error &error) {
    return error.what();
  }
  return "no error";
}

}    // namespace torchpot_test

#endif
