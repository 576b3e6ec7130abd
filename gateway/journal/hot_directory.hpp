// Where the hot segment lies. A directory that everybody may write to, such as /dev/shm, lets any user make
// a file or link of any name in it first; so the segment goes to a directory that is the gateway's alone.
#pragma once

#include <expected>
#include <string>

#include <sys/types.h>

#include "common/error.hpp"

namespace backhand::journal {

struct HotDirectory {
  std::string path;
  std::string warning;  ///< Empty, or what somebody else has put in the way.
};

/// The directory for the hot segment of user `uid`: `hot_dir` itself where only that user has access to it,
/// else `hot_dir`/backhand-UID or, where that name is somebody else's, a directory of that user beside it.
/// Changes nothing; the path may not exist.
[[nodiscard]] HotDirectory find_hot_directory(const std::string& hot_dir, uid_t uid);

/// The same for our own user, made where missing. The error names the path and says what to do.
[[nodiscard]] std::expected<HotDirectory, Error> make_hot_directory(const std::string& hot_dir);

}  // namespace backhand::journal
