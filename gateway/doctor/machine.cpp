#include "gateway/doctor/machine.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

namespace backhand::doctor {
namespace {

namespace fs = std::filesystem;

constexpr int kMostCpus = 8'192;
constexpr auto kPause = std::chrono::seconds{1};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const auto first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

/// Mount points write a space as \040, a tab as \011 and so on.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = text[i] == '\\' ? number_of(text.substr(i + 1, 3), 8) : std::nullopt;
    out += code ? static_cast<char>(*code) : text[i];
    if (code) i += 3;
  }
  return out;
}

bool is_below(std::string_view path, std::string_view mount) {
  if (mount == "/") return true;
  return path.starts_with(mount) && (path.size() == mount.size() || path[mount.size()] == '/');
}

}  // namespace

std::optional<std::string> Machine::read(const std::string& path) const {
  std::ifstream file{root + path, std::ios::binary};
  if (!file) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  // Some files of /sys open and then say that they do not know.
  if (file.bad()) return std::nullopt;
  const auto end = text.find_last_not_of(" \t\r\n");
  text.erase(end == std::string::npos ? 0 : end + 1);
  return text;
}

std::optional<std::vector<std::string>> Machine::list(const std::string& folder) const {
  std::error_code failed;
  std::vector<std::string> names;
  for (fs::directory_iterator at{root + folder, failed}; !failed && at != fs::directory_iterator{};
       at.increment(failed)) {
    names.push_back(at->path().filename().string());
  }
  if (failed) return std::nullopt;
  std::ranges::sort(names);
  return names;
}

std::optional<FileFacts> Machine::facts(const std::string& path) const {
  struct stat status{};
  if (::stat((root + path).c_str(), &status) != 0) return std::nullopt;
  return FileFacts{S_ISDIR(status.st_mode), status.st_mode & 07777U, status.st_uid};
}

std::optional<std::string> Machine::file_system(const std::string& path) const {
  const auto mounts = read("/proc/self/mountinfo");
  if (!mounts) return std::nullopt;
  std::error_code failed;
  std::string real = fs::weakly_canonical(root + path, failed).string();
  if (failed) return std::nullopt;
  const std::string real_root = root.empty() ? std::string{} : fs::weakly_canonical(root, failed).string();
  real.erase(0, real_root.size());
  std::optional<std::string> found;
  std::size_t longest = 0;
  for (const std::string& line : lines_of(*mounts)) {
    // 36 35 98:0 /inside /mount/point options [optional fields] - type source options
    const auto words = words_of(line);
    const auto dash = std::ranges::find(words, "-");
    if (words.size() < 6 || dash == words.end() || dash + 1 == words.end()) continue;
    const std::string mount = unescaped(words[4]);
    // Of two on one point the later one hides the earlier.
    if (!is_below(real, mount) || mount.size() < longest) continue;
    longest = mount.size();
    found = *(dash + 1);
  }
  return found;
}

std::optional<Cpus> Machine::cpus(const std::string& path) const {
  const auto text = read(path);
  return text ? parse_cpus(*text) : std::nullopt;
}

Machine this_machine(std::string process) {
  Machine machine;
  machine.process = std::move(process);
  machine.uid = ::geteuid();
  machine.clock = []() -> std::optional<ClockState> {
    timex state{};  // No mode bit: it only reads.
    const int told = ::adjtimex(&state);
    if (told < 0) return std::nullopt;
    return ClockState{told != TIME_ERROR && (state.status & STA_UNSYNC) == 0, state.maxerror};
  };
  machine.free_bytes = [](const std::string& path) -> std::optional<std::uint64_t> {
    struct statvfs room{};
    if (::statvfs(path.c_str(), &room) != 0) return std::nullopt;
    return std::uint64_t{room.f_bavail} * room.f_frsize;
  };
  machine.pause = [] { std::this_thread::sleep_for(kPause); };
  return machine;
}

std::optional<Cpus> parse_cpus(std::string_view text) {
  Cpus out;
  text = trimmed(text);
  // A kernel without any writes this.
  if (text == "(null)") return out;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const auto dash = part.find('-');
    const auto first = number_of(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_of(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= kMostCpus) return std::nullopt;
    for (auto cpu = *first; cpu <= *last; ++cpu) out.push_back(static_cast<int>(cpu));
  }
  std::ranges::sort(out);
  return out;
}

std::string to_text(const Cpus& cpus) {
  std::string out;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    out += (out.empty() ? "" : ",") + std::to_string(cpus[i]);
    if (last > i) out += "-" + std::to_string(cpus[last]);
    i = last + 1;
  }
  return out.empty() ? "none" : out;
}

bool holds(const Cpus& cpus, int cpu) noexcept { return std::ranges::binary_search(cpus, cpu); }

std::optional<std::string> field_of(std::string_view text, std::string_view key) {
  for (const std::string& line : lines_of(text)) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || trimmed(std::string_view{line}.substr(0, colon)) != key) continue;
    return std::string{trimmed(std::string_view{line}.substr(colon + 1))};
  }
  return std::nullopt;
}

std::optional<std::uint64_t> limit_of(std::string_view limits, std::string_view name) {
  for (const std::string& line : lines_of(limits)) {
    if (!line.starts_with(name)) continue;
    const auto words = words_of(std::string_view{line}.substr(name.size()));
    if (words.empty()) return std::nullopt;
    return words[0] == "unlimited" ? UINT64_MAX : number_of(words[0]);
  }
  return std::nullopt;
}

std::optional<Allowance> allowance(const Machine& machine, std::string_view limit, unsigned capability) {
  const auto limits = machine.read(machine.of_process("limits"));
  const auto status = machine.read(machine.of_process("status"));
  if (!limits || !status) return std::nullopt;
  const auto most = limit_of(*limits, limit);
  const auto bits = number_of(field_of(*status, "CapEff").value_or(""), 16);
  if (!most || !bits) return std::nullopt;
  return Allowance{most.value(), (bits.value() >> capability & 1U) != 0};
}

std::string in_folder(std::string folder, std::string_view name) {
  folder += '/';
  folder += name;
  return folder;
}

std::optional<std::uint64_t> number_of(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> words_of(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  std::vector<std::string> out;
  for (std::size_t at = text.find_first_not_of(kWhite); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kWhite, at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(kWhite, end);
  }
  return out;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out.emplace_back(line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return out;
}

}  // namespace backhand::doctor
