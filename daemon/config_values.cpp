#include "daemon/config_values.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <numeric>

namespace runnerwatch {

namespace {

struct Unit {
    const char* name;
    std::uint64_t bytes;
};
constexpr Unit units[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
    {"KiB", std::uint64_t{1} << 10},
    {"MiB", std::uint64_t{1} << 20},
    {"GiB", std::uint64_t{1} << 30},
    {"TiB", std::uint64_t{1} << 40},
};

struct CurlUrlFree {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// Levenshtein: how many letters must be put in, taken out or changed.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, fault] = std::from_chars(text.data(), end, number);
    if (fault != std::errc()) return std::nullopt;
    const std::string name(rest, end);
    for (const auto& unit : units) {
        if (strcasecmp(name.c_str(), unit.name) != 0) continue;
        if (number > std::numeric_limits<std::uint64_t>::max() / unit.bytes) return std::nullopt;
        return number * unit.bytes;
    }
    return std::nullopt;
}

bool ListenAddress::loopback() const {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    ListenAddress address;
    const auto port = text.substr(colon + 1);
    const auto [rest, fault] =
        std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (fault != std::errc() || rest != port.data() + port.size()) return std::nullopt;

    auto host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    address.host = host;
    in6_addr parsed{};  // large enough for both families
    const int family = bracketed ? AF_INET6 : AF_INET;
    const bool named = !bracketed && (host.empty() || host == "localhost");
    if (!named && inet_pton(family, address.host.c_str(), &parsed) != 1) return std::nullopt;
    return address;
}

bool is_ip_address(const std::string& text) {
    in6_addr parsed{};  // large enough for both families
    return inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
           inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

std::optional<std::string> url_fault(const std::string& url) {
    const std::unique_ptr<CURLU, CurlUrlFree> parsed(curl_url());
    if (!parsed) throw std::bad_alloc();
    // The parser that will be used to send to it.
    const auto fault = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
    if (fault == CURLUE_BAD_SCHEME || fault == CURLUE_UNSUPPORTED_SCHEME)
        return "it does not begin with https:// or http://";
    if (fault != CURLUE_OK) return curl_url_strerror(fault);
    char* scheme = nullptr;
    curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0);
    const std::string name = scheme ? scheme : "";
    curl_free(scheme);
    if (name != "http" && name != "https") return "it does not begin with https:// or http://";
    return std::nullopt;
}

bool is_dns_label(std::string_view text) {
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= 63 && plain(text.front()) && plain(text.back()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return plain(c) || c == '-'; });
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& words) {
    std::optional<std::string> best;
    std::size_t best_distance = std::numeric_limits<std::size_t>::max();
    for (const auto& candidate : words) {
        const std::size_t distance = edit_distance(word, candidate);
        const bool close = distance * 2 <= std::max(word.size(), candidate.size());
        if (!close || distance >= best_distance) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

}  // namespace runnerwatch
