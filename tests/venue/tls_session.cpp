#include "tests/venue/tls_session.hpp"

#include <array>
#include <chrono>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace backhand::venue {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::size_t kMaxBody = 1U << 20U;
constexpr std::chrono::seconds kHandshakeLimit{10};

constexpr std::string_view kBadRequest =
    "HTTP/1.1 400 Bad Request\r\nServer: cloudflare\r\nContent-Type: text/html\r\nContent-Length: 15\r\n"
    "Connection: close\r\n\r\n400 Bad Request";

template <typename Clock>
Ns since_epoch() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

Floor::Floor(Exchange& venue)
    : exchange(venue),
      unix_minus_steady_(since_epoch<std::chrono::system_clock>() -
                         since_epoch<std::chrono::steady_clock>()) {}

Ns Floor::now() const {
  return since_epoch<std::chrono::steady_clock>() + unix_minus_steady_ + exchange.options().clock_offset_ns;
}

TlsSession::TlsSession(asio::ip::tcp::socket socket, asio::ssl::context& tls, Floor& floor)
    : stream_(std::move(socket), tls), timer_(stream_.get_executor()), floor_(floor) {
  Error ignored;
  const auto peer = stream_.next_layer().remote_endpoint(ignored);
  client_ip_ = peer.address().to_string();
  stream_.next_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
  floor_.sessions.insert(this);
}

TlsSession::~TlsSession() { floor_.sessions.erase(this); }

void TlsSession::start() {
  timer_.expires_after(kHandshakeLimit);
  timer_.async_wait([self = shared_from_this()](Error error) {
    if (!error && !self->is_open_) self->close_abruptly(false);
  });
  stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](Error error) {
    self->timer_.cancel();
    if (error) return;
    self->is_open_ = true;
    self->read_request();
  });
}

void TlsSession::read_request() {
  if (ending_) return;
  parser_.emplace();
  parser_->body_limit(kMaxBody);
  idle_ = true;
  if (const Ns limit = floor_.exchange.options().idle_close_ns; limit > 0) {
    timer_.expires_after(std::chrono::nanoseconds(limit));
    timer_.async_wait([self = shared_from_this()](Error error) {
      if (!error) self->on_idle();
    });
  }
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](Error error, std::size_t) { self->on_request(error); });
}

void TlsSession::on_idle() {
  if (idle_ && !ending_) end(false);
}

void TlsSession::on_request(Error error) {
  idle_ = false;
  timer_.cancel();
  if (ending_) return;
  if (error == http::error::end_of_stream) return close_politely();
  if (error.category() == http::make_error_code(http::error::bad_method).category() &&
      error != http::error::partial_message) {
    out_ = kBadRequest;
    return write(out_.size(), true);
  }
  if (error) return close_abruptly(false);
  answer();
}

void TlsSession::answer() {
  const auto& message = parser_->get();
  HttpRequest request;
  request.method = {message.method_string().data(), message.method_string().size()};
  request.target = {message.target().data(), message.target().size()};
  request.body = message.body();
  for (const auto& field : message) {
    request.headers.push_back({{field.name_string().data(), field.name_string().size()},
                               {field.value().data(), field.value().size()}});
  }
  const HttpResponse response = floor_.exchange.handle(request, floor_.now(), client_ip_);
  ++requests_;
  const std::uint32_t limit = floor_.exchange.options().close_after_requests;
  close_after_ = !message.keep_alive() || (limit > 0 && requests_ >= limit);
  out_ = to_http(response, close_after_);
  delivery_ = response.delivery;
  if (response.delay <= 0) return deliver();
  timer_.expires_after(std::chrono::nanoseconds(response.delay));
  timer_.async_wait([self = shared_from_this()](Error error) {
    if (!error && !self->ending_) self->deliver();
  });
}

void TlsSession::deliver() {
  switch (delivery_) {
    case Delivery::normal:
      return write(out_.size(), close_after_);
    case Delivery::slices:
      return write_slice(0);
    case Delivery::truncate:
      return asio::async_write(
          stream_, asio::buffer(out_.data(), out_.size() / 2),
          [self = shared_from_this()](Error, std::size_t) { self->close_abruptly(false); });
    case Delivery::close:
      return close_politely();
    case Delivery::reset:
      return close_abruptly(true);
    case Delivery::stall:
      return wait_for_peer();
  }
}

void TlsSession::write(std::size_t size, bool then_close) {
  asio::async_write(stream_, asio::buffer(out_.data(), size),
                    [self = shared_from_this(), then_close](Error error, std::size_t) {
                      if (error) return self->close_abruptly(false);
                      then_close ? self->close_politely() : self->read_request();
                    });
}

void TlsSession::write_slice(std::size_t offset) {
  if (offset == out_.size()) return close_after_ ? close_politely() : read_request();
  asio::async_write(stream_, asio::buffer(out_.data() + offset, 1),
                    [self = shared_from_this(), offset](Error error, std::size_t) {
                      if (error) return self->close_abruptly(false);
                      self->write_slice(offset + 1);
                    });
}

void TlsSession::wait_for_peer() {
  stream_.async_read_some(asio::buffer(buffer_.prepare(1'024)),
                          [self = shared_from_this()](Error error, std::size_t) {
                            if (error) return self->close_abruptly(false);
                            self->wait_for_peer();
                          });
}

void TlsSession::end(bool by_reset) {
  if (by_reset || !is_open_) return close_abruptly(by_reset);
  Error ignored;
  ending_ = true;
  stream_.next_layer().cancel(ignored);
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->close_politely(); });
}

void TlsSession::close_politely() {
  ending_ = true;
  // The peer need not answer our close_notify: half a second, then the socket goes anyway.
  timer_.expires_after(std::chrono::milliseconds(500));
  timer_.async_wait([self = shared_from_this()](Error error) {
    if (!error) self->close_abruptly(false);
  });
  stream_.async_shutdown([self = shared_from_this()](Error) {
    self->timer_.cancel();
    self->close_abruptly(false);
  });
}

void TlsSession::close_abruptly(bool by_reset) {
  ending_ = true;
  timer_.cancel();
  Error ignored;
  if (by_reset) stream_.next_layer().set_option(asio::socket_base::linger(true, 0), ignored);
  stream_.next_layer().close(ignored);
}

}  // namespace backhand::venue
