// Any text as a configuration: problems with places, or a configuration that its own description gives again.
#include <string>

#include "common/assert.hpp"
#include "gateway/config/describe.hpp"
#include "gateway/config/load.hpp"

using namespace backhand::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto loaded = load_text(text, "fuzzed.toml");
  if (!loaded) {
    BH_ASSERT(!loaded.error().empty());
    for (const Problem& problem : loaded.error()) BH_ASSERT(!to_string(problem).empty());
    return 0;
  }
  const std::string described = describe(*loaded);
  const auto again = load_text(described, "fuzzed.toml");
  BH_ASSERT(again.has_value());
  BH_ASSERT(describe(*again) == described);
  return 0;
}
