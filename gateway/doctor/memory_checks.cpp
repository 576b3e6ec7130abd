// Memory that may not be there when a shot needs it.
#include "gateway/doctor/checks.hpp"

namespace backhand::doctor {
namespace {

constexpr unsigned kCapIpcLock = 14;

}  // namespace

void check_huge_pages(const Look& look) {
  const std::string item = "huge_pages";
  const auto text = look.machine.read("/sys/kernel/mm/transparent_hugepage/enabled");
  if (!text) {
    look.out.unknown(item, "cannot read whether transparent huge pages are on");
  } else if (text->find("[always]") != std::string::npos) {
    look.out.advice(item, "transparent huge pages are on for all memory",
                    "the kernel moves memory together behind our back and stops whoever touches it",
                    "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
  } else if (text->find("[madvise]") != std::string::npos || text->find("[never]") != std::string::npos) {
    look.out.ok(item, "transparent huge pages only where asked for");
  } else {
    look.out.unknown(item, "transparent huge pages: \"" + *text + "\"");
  }
}

void check_locked_memory(const Look& look) {
  const std::string item = "memlock";
  const auto allowed = allowance(look.machine, "Max locked memory", kCapIpcLock);
  if (!allowed) {
    look.out.unknown(item, "cannot read how much memory may be locked");
    return;
  }
  const bool possible = allowed->lifted || allowed->limit == UINT64_MAX;
  const std::string found = possible
                                ? "all of the memory may be locked"
                                : "at most " + std::to_string(allowed->limit / 1024) + " KiB may be locked";
  const std::string how = "LimitMEMLOCK=infinity in the unit";
  if (look.config != nullptr && look.config->gateway.lock_memory) {
    if (possible) {
      look.out.ok(item, "lock_memory is on, and " + found);
    } else {
      look.out.problem(item, "lock_memory is on, but " + found, "the gateway does not start", how);
    }
  } else if (look.config != nullptr) {
    look.out.advice(item, "lock_memory is off",
                    "a page that is not there costs a shot microseconds, or a disk's time",
                    "gateway.lock_memory = true" + (possible ? std::string{} : " with " + how));
  } else if (possible) {
    look.out.ok(item, found);
  } else {
    look.out.advice(item, found, "gateway.lock_memory needs all of it", how);
  }
}

void check_swap(const Look& look) {
  const std::string item = "swap";
  const auto text = look.machine.read("/proc/swaps");
  if (!text) {
    look.out.unknown(item, "cannot read /proc/swaps");
    return;
  }
  // The first line is a heading.
  const auto lines = lines_of(*text);
  const std::size_t areas = lines.empty() ? 0 : lines.size() - 1;
  const std::string found = std::to_string(areas) + (areas == 1 ? " swap area" : " swap areas");
  if (areas == 0) {
    look.out.ok(item, "there is none");
  } else if (look.config != nullptr && look.config->gateway.lock_memory) {
    look.out.ok(item, found + ", but the gateway's memory is locked");
  } else {
    look.out.advice(item, found, "what was not used for a while has to be read from a disk first",
                    "swapoff -a, or gateway.lock_memory = true");
  }
}

}  // namespace backhand::doctor
