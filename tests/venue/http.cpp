#include "tests/venue/http.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace backhand::venue {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view name, std::string_view lower_case) noexcept {
  return std::equal(name.begin(), name.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return lower(a) == b; });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view reason_of(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

void append_number(std::string& out, std::size_t value, int base = 10) {
  std::array<char, 24> text{};
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value, base).ptr);
}

/// Reads "Name: value" lines up to the empty one; false where one is not such a line.
bool parse_headers(std::string_view lines, std::vector<Header>& out) {
  while (!lines.empty()) {
    const auto end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    out.push_back({line.substr(0, colon), trimmed(line.substr(colon + 1))});
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
  }
  return true;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view lower_case_name) const noexcept {
  for (const auto& h : headers) {
    if (same_name(h.name, lower_case_name)) return trimmed(h.value);
  }
  return {};
}

std::string to_http(const HttpResponse& response, bool close) {
  std::string out;
  out.reserve(response.body.size() + 320);
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(response.status));
  out += ' ';
  out += reason_of(response.status);
  out += "\r\nServer: cloudflare\r\nContent-Type: ";
  out += response.json ? "application/json;charset=UTF-8" : "text/html";
  out += "\r\ncf-cache-status: DYNAMIC\r\nx-traceid: ";
  out += response.trace_id;
  if (response.remaining >= 0) {
    out += "\r\nx-mbx-used-remain-limit: ";
    append_number(out, static_cast<std::size_t>(response.remaining));
  }
  out += close ? "\r\nConnection: close\r\n" : "\r\nConnection: keep-alive\r\n";
  if (!response.chunked) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n\r\n";
    out += response.body;
    return out;
  }
  out += "Transfer-Encoding: chunked\r\n\r\n";
  if (!response.body.empty()) {
    append_number(out, response.body.size(), 16);
    out += "\r\n";
    out += response.body;
    out += "\r\n";
  }
  out += "0\r\n\r\n";
  return out;
}

ParseStatus parse_request(std::string_view bytes, HttpRequest& out, std::size_t& used) {
  out = {};
  const auto head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return ParseStatus::incomplete;
  const std::string_view head = bytes.substr(0, head_end);
  const auto line_end = std::min(head.find("\r\n"), head.size());
  const std::string_view line = head.substr(0, line_end);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return ParseStatus::malformed;
  if (line.substr(last + 1) != "HTTP/1.1") return ParseStatus::malformed;
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  if (out.method.empty() || out.target.empty() || out.target.find(' ') != std::string_view::npos) {
    return ParseStatus::malformed;
  }
  if (line_end < head.size() && !parse_headers(head.substr(line_end + 2), out.headers)) {
    return ParseStatus::malformed;
  }
  std::size_t length = 0;
  const std::string_view stated = out.header("content-length");
  if (!stated.empty()) {
    const auto [end, error] = std::from_chars(stated.data(), stated.data() + stated.size(), length);
    if (error != std::errc{} || end != stated.data() + stated.size()) return ParseStatus::malformed;
  }
  if (!out.header("transfer-encoding").empty()) return ParseStatus::malformed;
  if (bytes.size() - head_end - 4 < length) return ParseStatus::incomplete;
  out.body = bytes.substr(head_end + 4, length);
  used = head_end + 4 + length;
  return ParseStatus::complete;
}

}  // namespace backhand::venue
