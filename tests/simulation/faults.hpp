// Every kind of fault that a seed may meet, beside each the invariant that it could break, and how often each
// fired. A kind that never fires is seen as a zero.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace backhand::simulation {

struct FaultKind {
  std::string_view name;
  std::string_view could_break;  ///< The invariant, in a few words.
};

/// All kinds; the position of a name in it is its number.
[[nodiscard]] std::span<const FaultKind> fault_kinds() noexcept;
inline constexpr std::size_t kMaxFaultKinds = 192;

class FaultCounts {
 public:
  /// `name` must be one of fault_kinds().
  void fire(std::string_view name, std::uint64_t times = 1) noexcept;
  void add(const FaultCounts& other) noexcept;
  [[nodiscard]] std::uint64_t fired(std::size_t kind) const noexcept { return fired_[kind]; }

 private:
  std::array<std::uint64_t, kMaxFaultKinds> fired_{};
};

}  // namespace backhand::simulation
