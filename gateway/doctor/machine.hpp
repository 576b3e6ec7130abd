// What `backhand doctor` sees of a machine: files of /proc and /sys below a root that a test may put
// elsewhere, and the few things that no file tells. Only ever reads. Nothing here runs beside anything hot.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backhand::doctor {

/// Ascending CPU numbers.
using Cpus = std::vector<int>;

/// The kernel's own clock, as adjtimex tells.
struct ClockState {
  bool synchronised = false;
  std::int64_t max_error_us = 0;
};

struct FileFacts {
  bool directory = false;
  std::uint32_t mode = 0;  ///< Permission bits and the sticky bit.
  std::uint32_t uid = 0;
};

struct Machine {
  std::string root;              ///< Before every path; empty on a real machine.
  std::string process = "self";  ///< Below /proc: whose limits, rights and CPUs are looked at.
  std::uint32_t uid = 0;         ///< Whoever asks.
  std::function<std::optional<ClockState>()> clock;
  /// Free for us on the file system of a path, which is given without the root.
  std::function<std::optional<std::uint64_t>(const std::string& path)> free_bytes;
  /// Some time between the two looks at what runs.
  std::function<void()> pause;

  /// A file's text without the white space at its end; nothing where it cannot be read.
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const;
  /// The names in a folder, sorted; nothing where it cannot be read.
  [[nodiscard]] std::optional<std::vector<std::string>> list(const std::string& folder) const;
  [[nodiscard]] std::optional<FileFacts> facts(const std::string& path) const;
  /// What the kernel calls the file system that holds `path`, which need not exist itself.
  [[nodiscard]] std::optional<std::string> file_system(const std::string& path) const;
  /// The CPU list in a file; nothing where it cannot be read or is none.
  [[nodiscard]] std::optional<Cpus> cpus(const std::string& path) const;
  /// `/proc/…/name` of the process that is looked at.
  [[nodiscard]] std::string of_process(std::string_view name) const {
    return "/proc/" + process + "/" + std::string{name};
  }
};

/// This machine. `process` is a process id, or "self".
[[nodiscard]] Machine this_machine(std::string process = "self");

/// "0-2,5" as the kernel writes it, and back. An empty text is an empty list.
[[nodiscard]] std::optional<Cpus> parse_cpus(std::string_view text);
[[nodiscard]] std::string to_text(const Cpus& cpus);
[[nodiscard]] bool holds(const Cpus& cpus, int cpu) noexcept;

/// What follows `key` and a colon on its line, as in /proc/self/status.
[[nodiscard]] std::optional<std::string> field_of(std::string_view text, std::string_view key);
/// The soft limit of a line of /proc/self/limits; UINT64_MAX for "unlimited".
[[nodiscard]] std::optional<std::uint64_t> limit_of(std::string_view limits, std::string_view name);
/// Whether the process that is looked at may have as much of something as it wants: its limit of that name
/// (see limit_of), lifted by a capability (its number in capability.h). Nothing where either cannot be read.
struct Allowance {
  std::uint64_t limit = 0;
  bool lifted = false;
};
[[nodiscard]] std::optional<Allowance> allowance(const Machine& machine, std::string_view limit,
                                                 unsigned capability);
/// `folder/name`.
[[nodiscard]] std::string in_folder(std::string folder, std::string_view name);
/// A whole text as a number.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text, int base = 10);
/// Split at white space.
[[nodiscard]] std::vector<std::string> words_of(std::string_view text);
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

}  // namespace backhand::doctor
