#include "tests/simulation/digests.hpp"

#include <cstdio>
#include <fstream>
#include <string_view>

namespace backhand::simulation {

namespace {

constexpr std::size_t kInLine = 16;
constexpr std::string_view kHead = "digests of seeds from";

}  // namespace

std::expected<Digests, Error> Digests::read(const std::string& path) {
  std::ifstream in(path);
  if (!in) return std::unexpected(os_error(path));
  Digests out;
  std::string head;
  std::getline(in, head);
  unsigned long long from = 0;
  unsigned intents = 0;
  if (std::sscanf(head.c_str(), "digests of seeds from %llu, %u intents each", &from, &intents) != 2)
    return std::unexpected(Error{path + ": the first line is not \"" + std::string{kHead} + " …\""});
  out.from = from;
  out.intents = intents;
  std::string word;
  while (in >> word) {
    unsigned value = 0;
    if (word.size() != 8 || std::sscanf(word.c_str(), "%x", &value) != 1)
      return std::unexpected(Error{path + ": \"" + word + "\" is no digest"});
    out.values.push_back(value);
  }
  return out;
}

std::expected<void, Error> Digests::write(const std::string& path) const {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return std::unexpected(os_error(path));
  std::fprintf(file, "digests of seeds from %llu, %u intents each\n", static_cast<unsigned long long>(from),
               intents);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool ends_line = (i + 1) % kInLine == 0 || i + 1 == values.size();
    std::fprintf(file, "%08x%c", values[i], ends_line ? '\n' : ' ');
  }
  if (std::fclose(file) != 0) return std::unexpected(os_error(path));
  return {};
}

}  // namespace backhand::simulation
