#include "tests/venue/server.hpp"

#include <array>
#include <csignal>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>

#include "tests/venue/control.hpp"
#include "tests/venue/tls_session.hpp"

namespace backhand::venue {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

constexpr std::size_t kMaxControlBody = 16U << 20U;

/// One connection of the control port.
class ControlSession : public std::enable_shared_from_this<ControlSession> {
 public:
  ControlSession(tcp::socket socket, Control& control, const Floor& floor)
      : socket_(std::move(socket)), control_(control), floor_(floor) {}

  void read() {
    parser_.emplace();
    parser_->body_limit(kMaxControlBody);
    http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](ErrorCode error, std::size_t) {
      if (!error) self->answer();
    });
  }

 private:
  void answer() {
    const auto& message = parser_->get();
    const HttpResponse response =
        control_.handle({message.method_string().data(), message.method_string().size()},
                        {message.target().data(), message.target().size()}, message.body(), floor_.now());
    const bool close = !message.keep_alive();
    out_ = to_http(response, close);
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this(), close](ErrorCode error, std::size_t) {
                        if (!error && !close) self->read();
                      });
  }

  tcp::socket socket_;
  Control& control_;
  const Floor& floor_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string out_;
};

/// Takes HTTP/1.1 where the client offers it, as an edge does; never h2. Without a match the handshake goes
/// on without ALPN.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned in_size, void*) {
  static constexpr std::array<unsigned char, 9> kHttp11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, kHttp11.data(),
                                          static_cast<unsigned>(kHttp11.size()), in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

class AsioServer final : public Server {
 public:
  explicit AsioServer(Exchange& exchange)
      : floor_(exchange), control_(exchange, [this](Control::Drop how) { drop(how); }) {}

  ErrorCode open(const ServerOptions& options, const Certificates& certificates) {
    ErrorCode error;
    prepare_tls(options, certificates, error);
    if (!error) listen(tls_acceptor_, options.address, options.tls_port, error);
    if (!error) listen(control_acceptor_, "127.0.0.1", options.control_port, error);
    return error;
  }

  std::uint16_t tls_port() const override { return tls_acceptor_.local_endpoint().port(); }
  std::uint16_t control_port() const override { return control_acceptor_.local_endpoint().port(); }

  void run() override {
    asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait([this](ErrorCode error, int) {
      if (!error) io_.stop();
    });
    accept_tls();
    accept_control();
    io_.run();
  }
  void stop() override { io_.stop(); }

 private:
  void prepare_tls(const ServerOptions& options, const Certificates& certificates, ErrorCode& error) {
    tls_.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                         asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                         asio::ssl::context::no_tlsv1_1,
                     error);
    if (options.tls12_only) SSL_CTX_set_max_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    if (!error) tls_.use_certificate_chain(asio::buffer(certificates.certificate_pem), error);
    if (!error) tls_.use_private_key(asio::buffer(certificates.key_pem), asio::ssl::context::pem, error);
    SSL_CTX_set_alpn_select_cb(tls_.native_handle(), choose_protocol, nullptr);
    // Tickets are what a real edge hands out; they need a name for the sessions.
    constexpr std::string_view kSessionName = "backhand-venue";
    SSL_CTX_set_session_id_context(tls_.native_handle(),
                                   reinterpret_cast<const unsigned char*>(kSessionName.data()),
                                   static_cast<unsigned>(kSessionName.size()));
  }

  static void listen(tcp::acceptor& acceptor, const std::string& address, std::uint16_t port,
                     ErrorCode& error) {
    const tcp::endpoint where(asio::ip::make_address(address, error), port);
    if (!error) acceptor.open(where.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(where, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  }

  void accept_tls() {
    tls_acceptor_.async_accept([this](ErrorCode error, tcp::socket socket) {
      if (!error) std::make_shared<TlsSession>(std::move(socket), tls_, floor_)->start();
      if (error != asio::error::operation_aborted) accept_tls();
    });
  }

  void accept_control() {
    control_acceptor_.async_accept([this](ErrorCode error, tcp::socket socket) {
      if (!error) std::make_shared<ControlSession>(std::move(socket), control_, floor_)->read();
      if (error != asio::error::operation_aborted) accept_control();
    });
  }

  void drop(Control::Drop how) {
    // Ending a session may destroy it, so the list is copied first.
    const std::vector<TlsSession*> all(floor_.sessions.begin(), floor_.sessions.end());
    for (auto* session : all) session->end(how == Control::Drop::reset);
  }

  Floor floor_;  // Outlives the sessions, which io_ destroys with its pending operations.
  Control control_;
  asio::io_context io_{1};
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  tcp::acceptor tls_acceptor_{io_};
  tcp::acceptor control_acceptor_{io_};
};

}  // namespace

std::expected<std::unique_ptr<Server>, Error> Server::make(const ServerOptions& options,
                                                           const Certificates& certificates,
                                                           Exchange& exchange) {
  auto out = std::make_unique<AsioServer>(exchange);
  if (const ErrorCode error = out->open(options, certificates); error) {
    return std::unexpected(Error{"cannot listen on " + options.address + ": " + error.message()});
  }
  return out;
}

}  // namespace backhand::venue
