// The gateway's folders: the right kind of file system, room, and nobody else who writes there.
#include <algorithm>
#include <array>

#include "gateway/doctor/checks.hpp"
#include "gateway/journal/record.hpp"
#include "gateway/journal/segment.hpp"
#include "gateway/journal/settings.hpp"

namespace backhand::doctor {
namespace {

constexpr std::uint64_t kMiB = 1'048'576;
constexpr std::uint32_t kWritableByGroup = 0020;
constexpr std::uint32_t kWritableByAll = 0002;
constexpr std::uint32_t kSticky = 01000;
constexpr std::array<std::string_view, 12> kOfNetwork{
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "afs", "glusterfs", "ocfs2", "gfs2", "virtiofs"};

bool in_memory(const std::string& type) { return type == "tmpfs" || type == "ramfs"; }
bool of_network(const std::string& type) {
  return std::ranges::find(kOfNetwork, type) != kOfNetwork.end() || type.starts_with("fuse");
}

/// What all three share: whether it is a folder at all. Nothing where that was said already.
std::optional<FileFacts> folder(const Look& look, const std::string& item, const std::string& path,
                                const std::string& made_by) {
  const auto facts = look.machine.facts(path);
  if (!facts) {
    look.out.advice(item, path + " is not there", "the gateway does not make it",
                    made_by.empty() ? "make it" : made_by + " in the unit makes it; without systemd, mkdir");
    return std::nullopt;
  }
  if (!facts->directory) {
    look.out.problem(item, path + " is no folder", "the gateway does not start", "gateway." + item);
    return std::nullopt;
  }
  return facts;
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

}  // namespace

void check_hot_dir(const Look& look) {
  const std::string item = "hot_dir";
  const std::string& path = look.config->gateway.hot_dir;
  if (look.config->gateway.durability == config::Durability::power) {
    look.out.ok(item, "with durability = \"power\" used only for halts that the journal could not record");
    return;
  }
  const auto facts = folder(look, item, path, {});
  if (!facts) return;
  if ((facts->mode & kWritableByAll) != 0 && (facts->mode & kSticky) == 0) {
    look.out.problem(item, path + " lets everybody remove everybody's files",
                     "the hot journal can be taken away", "chmod +t " + path);
    return;
  }
  const auto type = look.machine.file_system(path);
  const auto room = look.machine.free_bytes(path);
  if (!type || !room) {
    look.out.unknown(item, "cannot read " +
                               std::string{!type ? "on which file system " : "how much room there is in "} +
                               path + (!type ? " lies" : ""));
    return;
  }
  if (!in_memory(*type)) {
    look.out.advice(item, path + " lies on " + *type + ", not on a tmpfs",
                    "a page that has been written back costs 7 us at the next store, just on a cold shot",
                    "gateway.hot_dir = \"/dev/shm\"");
    return;
  }
  const std::uint64_t hot_bytes =
      journal::HotHeader::kBytes + std::uint64_t{journal::Settings{}.hot_records} * sizeof(journal::Record);
  if (*room < 2 * hot_bytes) {
    look.out.problem(
        item,
        path + " has room for " + mebibytes(*room) + ", the hot segment wants twice " + mebibytes(hot_bytes),
        "the gateway does not start", "a larger tmpfs (size=), or clear it");
  } else {
    look.out.ok(item, path + " is a " + *type + " with " + mebibytes(*room) + " free");
  }
}

void check_state_dir(const Look& look) {
  const std::string item = "state_dir";
  const config::Gateway& gateway = look.config->gateway;
  const std::string& path = gateway.state_dir;
  const auto facts = folder(look, item, path, "StateDirectory=");
  if (!facts) return;
  if ((facts->mode & (kWritableByGroup | kWritableByAll)) != 0) {
    look.out.problem(item, path + " can be written by others",
                     "who changes the journal changes what was sent", "chmod 0700 " + path);
    return;
  }
  // Root may ask for the gateway's own user.
  if (look.machine.uid != 0 && facts->uid != look.machine.uid) {
    look.out.problem(item,
                     path + " belongs to user " + std::to_string(facts->uid) + ", and we are " +
                         std::to_string(look.machine.uid),
                     "the gateway cannot write its journal", "run as that user, or chown");
    return;
  }
  const auto type = look.machine.file_system(path);
  const auto room = look.machine.free_bytes(path);
  if (!type || !room) {
    look.out.unknown(item, "cannot read " +
                               std::string{!type ? "on which file system " : "how much room there is in "} +
                               path + (!type ? " lies" : ""));
    return;
  }
  if (in_memory(*type)) {
    look.out.problem(item, path + " lies on a " + *type, "the journal is gone after a restart of the machine",
                     "gateway.state_dir on a local disk");
    return;
  }
  if (of_network(*type)) {
    look.out.problem(item, path + " lies on " + *type, "locks and syncs mean less over a network",
                     "gateway.state_dir on a local disk");
    return;
  }
  const std::uint64_t segment = std::uint64_t{gateway.journal_segment_mb} * kMiB;
  const std::uint64_t kept = segment * gateway.journal_keep_segments;
  if (*room < 2 * segment) {
    look.out.problem(item,
                     path + " has " + mebibytes(*room) + " free, two segments want " + mebibytes(2 * segment),
                     "the gateway stops taking intents when the journal cannot grow", "make room");
  } else if (*room < kept) {
    look.out.advice(item,
                    path + " has " + mebibytes(*room) + " free, all kept segments want " + mebibytes(kept),
                    "it will fill up", "make room, or a smaller gateway.journal_keep_segments");
  } else {
    look.out.ok(item, path + " on " + *type + ", " + mebibytes(*room) + " free, written by user " +
                          std::to_string(facts->uid) + " alone");
  }
}

void check_runtime_dir(const Look& look) {
  const std::string item = "runtime_dir";
  const std::string& path = look.config->gateway.runtime_dir;
  const auto facts = folder(look, item, path, "RuntimeDirectory=");
  if (!facts) return;
  if ((facts->mode & kWritableByAll) != 0) {
    look.out.problem(item, path + " can be written by everybody",
                     "anybody can put a socket of his own in the gateway's place", "chmod 0755 " + path);
  } else if ((facts->mode & kWritableByGroup) != 0) {
    look.out.advice(item, path + " can be written by its group", "its members can take the gateway's place",
                    "chmod 0755 " + path);
  } else {
    look.out.ok(item, path + " is written by user " + std::to_string(facts->uid) + " alone");
  }
}

}  // namespace backhand::doctor
