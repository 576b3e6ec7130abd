#include "gateway/config/folders.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backhand::config {
namespace {

std::string folder_of(const std::string& socket) {
  const auto slash = socket.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : socket.substr(0, slash);
}

}  // namespace

void check_folders(const Config& config, std::vector<Problem>& problems, std::vector<Problem>& warnings) {
  const Gateway& gateway = config.gateway;
  const auto tell = [&](std::vector<Problem>& to, Place place, const char* key, std::string message) {
    to.push_back({config.file, place, std::string{"gateway."} + key, std::move(message)});
  };
  const auto usable = [&](std::vector<Problem>& to, Place place, const char* key, const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
      tell(to, place, key, path + " cannot be looked at: " + std::strerror(errno));
    } else if (!S_ISDIR(status.st_mode)) {
      tell(to, place, key, path + " is no folder");
    } else if (::faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
      tell(to, place, key, path + " cannot be written to: " + std::strerror(errno));
    }
  };
  const auto closed_to_others = [&](Place place, const char* key, const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0 || (status.st_mode & S_IWOTH) == 0) return;
    tell(problems, place, key,
         path +
             " can be written to by everybody, who could then take the gateway's place; chmod o-w, or a "
             "folder of its own");
  };
  usable(problems, gateway.state_dir_place, "state_dir", gateway.state_dir);
  usable(problems, gateway.hot_dir_place, "hot_dir", gateway.hot_dir);
  usable(warnings, gateway.runtime_dir_place, "runtime_dir", gateway.runtime_dir);
  closed_to_others(gateway.runtime_dir_place, "runtime_dir", gateway.runtime_dir);
  const std::string attach = folder_of(gateway.attach_socket);
  const std::string admin = folder_of(gateway.admin_socket);
  if (attach != gateway.runtime_dir) closed_to_others(gateway.attach_socket_place, "attach_socket", attach);
  if (admin != gateway.runtime_dir) closed_to_others(gateway.admin_socket_place, "admin_socket", admin);
}

}  // namespace backhand::config
