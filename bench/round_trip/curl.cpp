// libcurl's easy interface on one kept connection, with the same plain checks and signing as the naive
// client.
#include <stdexcept>

#include <curl/curl.h>
#include <unistd.h>

#include "bench/round_trip/plain_client.hpp"
#include "common/clock.hpp"
#include "common/cpu.hpp"

namespace backhand::bench {

namespace {

class CurlClient final : public ThreadSubject {
 public:
  using ThreadSubject::ThreadSubject;
  ~CurlClient() override {
    join();
    if (easy_ != nullptr) curl_easy_cleanup(easy_);
    if (idle_fd_ >= 0) ::close(idle_fd_);
  }
  [[nodiscard]] std::string_view name() const noexcept override { return "libcurl"; }

 private:
  static std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* to) {
    static_cast<std::string*>(to)->append(bytes, size * count);
    return size * count;
  }

  void connect() override {
    client_ = std::make_unique<PlainClient>(place_, "libcurl");
    idle_fd_ = connect_socket(place_.venue_port);
    easy_ = curl_easy_init();
    if (easy_ == nullptr) throw std::runtime_error("curl_easy_init");
    base_ = "https://localhost:" + std::to_string(place_.venue_port);
    resolve_ =
        curl_slist_append(nullptr, ("localhost:" + std::to_string(place_.venue_port) + ":127.0.0.1").c_str());
    curl_easy_setopt(easy_, CURLOPT_RESOLVE, resolve_);
    curl_easy_setopt(easy_, CURLOPT_CAINFO, place_.ca_file.c_str());
    curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy_, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_PROXY, "");
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, &body_);
    // The connection is made before the first shot.
    curl_easy_setopt(easy_, CURLOPT_URL, (base_ + "/api/v2/public/time").c_str());
    if (const CURLcode code = curl_easy_perform(easy_); code != CURLE_OK)
      throw std::runtime_error(curl_easy_strerror(code));
    curl_easy_setopt(easy_, CURLOPT_URL, (base_ + "/api/v2/mix/order/click-backhand").c_str());
  }

  void run() override {
    wire::Intent intent;
    while (running()) {
      if (!lane_.take(intent)) {
        cpu_pause();
        continue;
      }
      shoot(intent, monotonic_now());
    }
  }

  void shoot(const wire::Intent& intent, Ns taken) {
    if (const char* no = client_->check(intent, taken)) throw std::runtime_error(no);
    client_->build(intent, request_);
    curl_slist* headers = nullptr;
    for (const std::string& line :
         {"ACCESS-KEY: " + request_.key, "ACCESS-SIGN: " + request_.signature,
          "ACCESS-TIMESTAMP: " + request_.timestamp, "ACCESS-PASSPHRASE: " + request_.passphrase,
          std::string{"locale: en-US"}, std::string{"Content-Type: application/json"}}) {
      headers = curl_slist_append(headers, line.c_str());
    }
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request_.body.c_str());
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.body.size()));
    body_.clear();
    const Ns encoded = monotonic_now();
    const CURLcode code = curl_easy_perform(easy_);
    const Ns replied = monotonic_now();
    curl_slist_free_all(headers);
    if (code != CURLE_OK) throw std::runtime_error(curl_easy_strerror(code));
    client_->note_sent(intent, encoded, replied);
    wire::Outcome out{};
    if (!client_->take_reply(intent, request_, body_, out, replied))
      throw std::runtime_error("not an ack: " + body_);
    out.taken_ns = taken;
    // When `send` was entered and returned cannot be seen from outside.
    out.encoded_ns = out.written_ns = out.slot_ns = encoded;
    out.replied_ns = replied;
    out.published_ns = monotonic_now();
    lane_.publish(out);
  }

  std::unique_ptr<PlainClient> client_;
  PlainClient::Request request_;
  CURL* easy_ = nullptr;
  curl_slist* resolve_ = nullptr;
  std::string base_;
  std::string body_;
  int idle_fd_ = -1;
};

}  // namespace

std::unique_ptr<Subject> make_curl(const Place& place) { return std::make_unique<CurlClient>(place); }

}  // namespace backhand::bench
