// The client library as other languages see it.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "tests/common/client/echo_gateway.hpp"

extern "C" int c_strategy(const char* path);

namespace backhand::client::test {
namespace {

TEST(ClientAbi, ServesAStrategyInC) {
  EchoGateway gateway;
  EXPECT_EQ(c_strategy(gateway.path().c_str()), 0) << "the line of c_strategy.c that failed";
}

TEST(ClientAbi, ServesAStrategyInPython) {
#ifdef BACKHAND_SANITIZED
  GTEST_SKIP() << "an interpreter cannot load a sanitized library";
#endif
  EchoGateway gateway;
  const std::string command =
      std::string("PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=" BACKHAND_PYTHON_PATH " " BACKHAND_PYTHON
                  " " BACKHAND_PYTHON_SMOKE " " BACKHAND_CLIENT_LIBRARY " ") +
      gateway.path();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace backhand::client::test
