#include "gateway/journal/hot_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backhand::journal {
namespace {

constexpr mode_t kOfOthers = S_IRWXG | S_IRWXO;

/// A directory, no link to one, that `uid` owns and nobody else may enter. In a sticky directory it then
/// stays what it is: only its owner can rename or remove it.
bool is_private(const std::string& path, uid_t uid) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == uid &&
         (status.st_mode & kOfOthers) == 0;
}

/// `hot_dir` may be a link that the operator has made.
bool is_private_root(const std::string& path, uid_t uid) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == uid &&
         (status.st_mode & kOfOthers) == 0;
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

/// The first of the directories that were made because the plain name was taken.
std::string find_beside(const std::string& hot_dir, const std::string& prefix, uid_t uid) {
  const auto closer = [](DIR* dir) { ::closedir(dir); };
  const std::unique_ptr<DIR, decltype(closer)> dir{::opendir(hot_dir.c_str()), closer};
  std::vector<std::string> found;
  while (dir != nullptr) {
    const dirent* const entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = static_cast<const char*>(entry->d_name);
    std::string path = hot_dir + '/' + std::string{name};
    if (name.starts_with(prefix) && is_private(path, uid)) found.push_back(std::move(path));
  }
  std::ranges::sort(found);
  return found.empty() ? std::string{} : found.front();
}

}  // namespace

HotDirectory find_hot_directory(const std::string& hot_dir, uid_t uid) {
  if (is_private_root(hot_dir, uid)) return {hot_dir, {}};
  const std::string name = "backhand-" + std::to_string(uid);
  HotDirectory plain{hot_dir + '/' + name, {}};
  if (is_private(plain.path, uid)) return plain;
  const std::string taken = exists(plain.path)
                                ? plain.path + " is not a directory of user " + std::to_string(uid) +
                                      " alone (mode 0700): look who made it, and remove it"
                                : std::string{};
  std::string beside = find_beside(hot_dir, name + '-', uid);
  if (!beside.empty()) return {std::move(beside), taken};
  plain.warning = taken;
  return plain;
}

std::expected<HotDirectory, Error> make_hot_directory(const std::string& hot_dir) {
  const uid_t uid = ::geteuid();
  HotDirectory found = find_hot_directory(hot_dir, uid);
  if (is_private_root(found.path, uid)) return found;
  if (found.warning.empty()) {
    if (::mkdir(found.path.c_str(), 0700) == 0 && is_private(found.path, uid)) return found;
    if (errno != EEXIST)
      return std::unexpected(os_error("cannot make " + found.path +
                                      " (gateway.hot_dir must be a directory that " +
                                      "the gateway's user may write to)"));
    found.warning = found.path + " was made by somebody else at this moment";
  }
  // Whoever took the plain name cannot know this one.
  std::string name = hot_dir + "/backhand-" + std::to_string(uid) + "-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    return std::unexpected(os_error(found.warning + "; and cannot make another directory beside it"));
  found.path = std::move(name);
  return found;
}

}  // namespace backhand::journal
