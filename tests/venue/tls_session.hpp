// One client connection of the TLS port: reads requests one at a time, lets the exchange answer, and delivers
// the reply as its fault says. Owned by its own pending operations.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "tests/venue/exchange.hpp"

namespace backhand::venue {

/// What sessions share: the exchange, its clock, and the list of who is connected.
class Floor {
 public:
  explicit Floor(Exchange& exchange);
  /// Nanoseconds since 1970 on the venue's clock: steady, plus Options::clock_offset_ns.
  [[nodiscard]] Ns now() const;

  Exchange& exchange;
  std::unordered_set<class TlsSession*> sessions;

 private:
  Ns unix_minus_steady_ = 0;
};

class TlsSession : public std::enable_shared_from_this<TlsSession> {
 public:
  TlsSession(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& tls, Floor& floor);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  void start();
  /// Ends the connection from outside: with close_notify and FIN, or by reset.
  void end(bool by_reset);

 private:
  using Error = boost::system::error_code;

  void read_request();
  void on_request(Error error);
  void answer();
  void deliver();
  void write(std::size_t size, bool then_close);
  void write_slice(std::size_t offset);
  void on_idle();
  void wait_for_peer();
  void close_politely();
  void close_abruptly(bool by_reset);

  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
  boost::asio::steady_timer timer_;  ///< Handshake limit, idle limit or held reply: never two at once.
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  Floor& floor_;
  std::string client_ip_;
  std::string out_;
  Delivery delivery_ = Delivery::normal;
  std::uint32_t requests_ = 0;
  bool close_after_ = false;
  bool is_open_ = false;  ///< The handshake is done.
  bool idle_ = false;     ///< Waiting for a request's first byte.
  bool ending_ = false;
};

}  // namespace backhand::venue
