// The admin socket (Unix, stream): one JSON object a line in, one a line out. Who may connect is the socket's
// mode and folder. Service thread only; a slow or mad client holds up nobody and is cut off. A request whose
// reply takes time is asked for it in each turn, so that it holds up nobody either.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/error.hpp"
#include "common/shm/fd.hpp"
#include "common/time.hpp"

namespace backhand::service {

/// One request, parsed. Fields that the client left out are empty.
struct AdminRequest {
  std::string command;
  std::string account;
  std::string reason;
  std::string client_oid;
  std::string result;
  std::uint32_t uid = 0;  ///< Who asks, by SO_PEERCRED.
};

/// Reads one line; the error says what is wrong with it.
[[nodiscard]] std::expected<AdminRequest, Error> parse_admin_request(std::string_view line);

class AdminServer {
 public:
  /// Gives a reply as soon as there is one. Asked in each `do_work`, on the service thread.
  using Later = std::function<std::optional<std::string>()>;
  /// Answers with one JSON object, without newline, at once or later.
  using Handler = std::function<std::variant<std::string, Later>(const AdminRequest&)>;

  /// Binds `path` with mode 0600. An error where a live server holds it.
  [[nodiscard]] static std::expected<std::unique_ptr<AdminServer>, Error> listen(const std::string& path,
                                                                                 Handler handler);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  /// An epoll descriptor: readable when `do_work` has something to do. Where the process has no descriptor
  /// left, nobody is accepted for 100 ms, and replies that come later are not seen here: call `do_work` now
  /// and then all the same.
  [[nodiscard]] int poll_fd() const noexcept { return epoll_.get(); }
  /// Never blocks; a few events and new clients at most, so that a crowd does not keep its caller.
  void do_work();

 private:
  struct Client {
    shm::Fd fd;
    std::string in;
    std::string out;
    std::uint32_t uid = 0;
    Ns accepted_ns = 0;
    bool was_answered = false;
    Later later;         ///< The reply that it waits for; its further lines wait meanwhile.
    bool ended = false;  ///< It says no more, but may still read.
  };
  AdminServer(std::string path, Handler handler) : path_(std::move(path)), handler_(std::move(handler)) {}
  void accept_some();
  /// One that may be dropped for the next: whoever had its answer, or says nothing. False: nobody.
  [[nodiscard]] bool drop_one();
  void pause_accepting(int error);
  void look_away(Ns pause);
  void go_on_accepting();
  [[nodiscard]] bool watch_listener() const noexcept;
  // Each says whether the client stays.
  [[nodiscard]] bool serve(Client& client, std::uint32_t events);
  [[nodiscard]] bool read_some(Client& client);
  [[nodiscard]] bool go_on(Client& client);
  [[nodiscard]] static bool flush(Client& client);

  std::string path_;
  Handler handler_;
  shm::Fd listen_;
  shm::Fd epoll_;
  std::list<Client> clients_;
  Ns accept_again_ns_ = 0;  ///< 0 unless accepting pauses.
  bool pause_told_ = false;
};

}  // namespace backhand::service
