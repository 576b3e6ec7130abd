// The TLS server end to end, by a small blocking client of Boost.Beast.
#include <chrono>
#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/venue/server.hpp"
#include "tests/venue/settings.hpp"
#include "tests/venue/signature.hpp"

namespace backhand::venue {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using nlohmann::json;

constexpr std::string_view kReversal =
    R"({"symbol":"ETHUSDT","productType":"USDT-FUTURES","marginCoin":"USDT","side":"buy","clientOid":"over-tls"})";

/// A server on its own thread and free ports.
class Running {
 public:
  explicit Running(CertificateKind kind = CertificateKind::good, const ServerOptions& options = {})
      : certificates(make_certificates(kind).value()),
        exchange(Options{}, default_scenario()),
        server(Server::make(options, certificates, exchange).value()),
        thread_([this] { server->run(); }) {}
  ~Running() {
    server->stop();
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  json control(http::verb verb, const std::string& target, const json& body = json::object()) {
    asio::io_context io;
    tcp::socket socket(io);
    socket.connect({asio::ip::address_v4::loopback(), server->control_port()});
    http::request<http::string_body> request(verb, target, 11);
    request.set(http::field::host, "localhost");
    if (verb == http::verb::post) request.body() = body.dump();
    request.prepare_payload();
    http::write(socket, request);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    return json::parse(response.body());
  }
  json truth() { return control(http::verb::get, "/truth"); }
  void fault(const json& what) { EXPECT_EQ(control(http::verb::post, "/faults", what)["ok"], true); }
  void option(const json& what) { EXPECT_EQ(control(http::verb::post, "/options", what)["ok"], true); }

  Certificates certificates;
  Exchange exchange;
  std::unique_ptr<Server> server;

 private:
  std::thread thread_;
};

/// One TLS connection that checks the server's name and certificate.
class Connection {
 public:
  explicit Connection(Running& running, const std::string& name = "localhost")
      : tls_(asio::ssl::context::tls_client) {
    tls_.add_certificate_authority(asio::buffer(running.certificates.ca_pem));
    stream_.emplace(io_, tls_);
    stream_->set_verify_mode(asio::ssl::verify_peer);
    stream_->set_verify_callback(asio::ssl::host_name_verification(name));
    stream_->next_layer().connect({asio::ip::address_v4::loopback(), running.server->tls_port()});
    stream_->handshake(asio::ssl::stream_base::client, handshake_error);
  }

  http::response<http::string_body> exchange(const http::request<http::string_body>& request) {
    error = {};
    http::write(*stream_, request, error);
    return read();
  }
  http::response<http::string_body> read() {
    http::response_parser<http::string_body> parser;
    parser.body_limit(64U << 20U);
    if (!error) http::read(*stream_, buffer_, parser, error);
    return parser.release();
  }
  http::response<http::string_body> get(const std::string& target) {
    http::request<http::string_body> request(http::verb::get, target, 11);
    request.set(http::field::host, "localhost");
    return exchange(request);
  }
  http::response<http::string_body> reverse() {
    constexpr auto kPath = "/api/v2/mix/order/click-backhand";
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string stamp =
        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    http::request<http::string_body> request(http::verb::post, kPath, 11);
    request.set(http::field::host, "localhost");
    request.set(http::field::content_type, "application/json");
    request.set("ACCESS-KEY", "key-main");
    request.set("ACCESS-TIMESTAMP", stamp);
    request.set("ACCESS-PASSPHRASE", "pass-main");
    request.set("ACCESS-SIGN", SignatureKey("secret-main").sign(stamp, "POST", kPath, kReversal));
    request.body() = kReversal;
    request.prepare_payload();
    return exchange(request);
  }
  void write_raw(std::string_view bytes) { asio::write(*stream_, asio::buffer(bytes), error); }
  asio::ssl::stream<tcp::socket>& stream() { return *stream_; }

  ErrorCode handshake_error;
  ErrorCode error;  ///< Of the last exchange.

 private:
  asio::io_context io_;
  asio::ssl::context tls_;
  std::optional<asio::ssl::stream<tcp::socket>> stream_;
  boost::beast::flat_buffer buffer_;
};

TEST(Server, ReversesOverTls) {
  Running running;
  Connection connection(running);
  ASSERT_FALSE(connection.handshake_error) << connection.handshake_error.message();
  const auto response = connection.reverse();
  EXPECT_EQ(response.result_int(), 200U);
  EXPECT_TRUE(response.chunked());
  EXPECT_EQ(response["x-mbx-used-remain-limit"], "9");
  EXPECT_EQ(json::parse(response.body())["data"]["clientOid"], "over-tls");
  EXPECT_EQ(connection.get("/api/v2/public/time").result_int(), 200U) << "the connection is kept";
  const json truth = running.truth();
  EXPECT_EQ(truth["counters"]["accepted"], 1);
  EXPECT_EQ(truth["arrivals"].size(), 2U);
}

TEST(Server, ShowsBadCertificatesWhenAsked) {
  for (const auto& [name, kind] : kCertificateKinds) {
    Running running(kind);
    Connection connection(running);
    EXPECT_EQ(static_cast<bool>(connection.handshake_error), kind != CertificateKind::good) << name;
  }
  Running running;
  EXPECT_TRUE(Connection(running, "other.example").handshake_error) << "the name is not in the certificate";
}

TEST(Server, CanBeHeldToTls12) {
  Running running(CertificateKind::good, {.tls12_only = true});
  Connection connection(running);
  EXPECT_STREQ(SSL_get_version(connection.stream().native_handle()), "TLSv1.2");
  EXPECT_EQ(connection.reverse().result_int(), 200U);
}

TEST(Server, AnswersMalformedRequestsWith400AndGoesOn) {
  Running running;
  for (const auto bytes : {"NONSENSE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                           "POST /x HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET /a b c HTTP/1.1\r\n\r\n"}) {
    Connection connection(running);
    connection.write_raw(bytes);
    EXPECT_EQ(connection.read().result_int(), 400U) << bytes;
  }
  {
    Connection halfway(running);
    halfway.write_raw("POST /x HTTP/1.1\r\nContent-Le");
  }
  Connection big(running);
  big.write_raw("POST /x HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(big.read().result_int(), 400U);
  EXPECT_EQ(Connection(running).get("/api/v2/public/time").result_int(), 200U);
}

TEST(Server, DeliversAsTheFaultSays) {
  Running running;
  running.option({{"limits", false}});
  const auto outcome = [&](const char* name) {
    running.fault({{"fault", name}});
    Connection connection(running);
    const auto response = connection.reverse();
    return std::pair(connection.error, response);
  };
  EXPECT_EQ(outcome("reset_before").first, asio::error::connection_reset);
  EXPECT_TRUE(outcome("close_before").first);
  EXPECT_TRUE(outcome("truncated_before").first);
  const auto [sliced, whole] = outcome("slices");
  EXPECT_FALSE(sliced) << sliced.message();
  EXPECT_EQ(json::parse(whole.body())["code"], "00000");
  const auto [oversize, large] = outcome("oversize_after");
  EXPECT_FALSE(oversize);
  EXPECT_GT(large.body().size(), 10'000'000U);
  EXPECT_EQ(outcome("server_error_before").second.result_int(), 502U);
  running.fault({{"fault", "late_ack"}, {"reply_delay_ms", 50}});
  const auto before = std::chrono::steady_clock::now();
  Connection connection(running);
  EXPECT_EQ(connection.reverse().result_int(), 200U);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(50));
}

TEST(Server, StallsUntilDropped) {
  Running running;
  running.fault({{"fault", "ack_lost_after"}});
  Connection connection(running);
  std::thread dropper([&] {
    while (running.truth()["counters"]["accepted"] == 0) std::this_thread::yield();
    EXPECT_EQ(running.control(http::verb::post, "/connections", {{"action", "reset"}})["ok"], true);
  });
  static_cast<void>(connection.reverse());
  dropper.join();
  EXPECT_TRUE(connection.error) << "no reply ever came";
}

TEST(Server, ClosesAfterSoManyRequests) {
  Running running;
  running.option({{"close_after_requests", 2}});
  Connection connection(running);
  EXPECT_TRUE(connection.get("/api/v2/public/time").keep_alive());
  EXPECT_FALSE(connection.get("/api/v2/public/time").keep_alive());
  static_cast<void>(connection.read());
  EXPECT_TRUE(connection.error) << "closed";
}

TEST(Server, ClosesIdleConnections) {
  Running running;
  running.option({{"idle_close_ms", 30}});
  Connection connection(running);
  EXPECT_EQ(connection.get("/api/v2/public/time").result_int(), 200U);
  static_cast<void>(connection.read());
  EXPECT_EQ(connection.error, http::error::end_of_stream) << "with close_notify, no reset";
}

TEST(Server, MayLiveInAnotherTime) {
  Running running;
  running.option({{"clock_offset_ms", -31'000}});
  Connection connection(running);
  EXPECT_EQ(json::parse(connection.reverse().body())["code"], "40008");
}

}  // namespace
}  // namespace backhand::venue
