// A TLS server that behaves, or misbehaves, as a test says: one thread per connection on loopback, and a
// certificate authority of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace backhand::net::testing {

enum class CertificateKind { good, expired, self_signed, wrong_host, unknown_authority };

/// PEM file of the authority that signs all but the self-signed and the unknown ones; made once per process.
const std::string& authority_file();
/// Of one that has signed nothing.
const std::string& other_authority_file();

/// The server's end of one connection. Used by its own thread only, from within the handler or a command.
class Peer {
 public:
  Peer(ssl_st* ssl, int fd, int number) : ssl_(ssl), fd_(fd), number_(number) {}

  void write(std::string_view bytes);
  /// Each byte in a record of its own.
  void write_slowly(std::string_view bytes);
  void reply(std::string_view body, int status = 200);
  void close();       ///< close_notify, then FIN.
  void cut();         ///< FIN without close_notify.
  void half_close();  ///< close_notify and FIN, but keeps reading.
  void reset();       ///< RST.
  void update_keys();
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  [[nodiscard]] int requests() const { return requests_; }

 private:
  friend class TlsServer;
  ssl_st* ssl_;
  int fd_;
  int number_;
  int requests_ = 0;
};

class TlsServer {
 public:
  /// Called with each whole request; `peer.requests()` counts it already (the probe is 1).
  using Handler = std::function<void(Peer& peer, const std::string& request)>;

  explicit TlsServer(Handler handler, CertificateKind kind = CertificateKind::good,
                     bool only_tls_1_2 = false);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Has `command` run by every open connection's thread, and waits until all have.
  void command(std::function<void(Peer&)> command);
  /// Every request line received, in order of arrival.
  [[nodiscard]] std::vector<std::string> request_lines();
  [[nodiscard]] int accepted() const { return accepted_.load(); }
  /// Connections whose end the server has seen or made.
  [[nodiscard]] int ended() const { return ended_.load(); }
  /// Of these, the ones that ended by RST from the client.
  [[nodiscard]] int reset_by_client() const { return reset_by_client_.load(); }

 private:
  struct Served {
    std::thread thread;
    int wake_fd = -1;
    std::atomic<int> commands_seen = 0;
    std::atomic<bool> over = false;
  };
  void accept_all();
  void serve(int fd, int number, Served& served);
  void serve_established(Peer& peer, Served& served);
  bool read_some(Peer& peer, std::string& pending);

  Handler handler_;
  ssl_ctx_st* context_;
  int listener_ = -1;
  int stop_fd_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> ended_ = 0;
  std::atomic<int> reset_by_client_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::vector<std::string> request_lines_;
  std::function<void(Peer&)> command_;
  int command_number_ = 0;
  std::vector<std::unique_ptr<Served>> served_;
  std::thread acceptor_;
};

/// A reply with Content-Length.
std::string http_reply(std::string_view body, int status = 200);

}  // namespace backhand::net::testing
