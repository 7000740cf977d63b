#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What single values of the configuration must look like. Pure text in, values out.
namespace runnerwatch {

// "2GiB", "500MB", "1024": bytes. Units: B, kB, MB, GB, TB (1000) and KiB, MiB, GiB, TiB (1024),
// whatever their case.
std::optional<std::uint64_t> parse_size(std::string_view text);

struct ListenAddress {
    std::string host;  // empty: all addresses
    std::uint16_t port = 0;
    bool loopback() const;
};

// "127.0.0.1:8090", "[::1]:8090", ":9000", and "localhost:8090"; no other name is resolved.
std::optional<ListenAddress> parse_listen_address(std::string_view text);

// An IPv4 or IPv6 address, without brackets.
bool is_ip_address(const std::string& text);

// Why `url` is not an http or https URL that can be posted to; nothing if it is one. The reason
// never repeats the URL: it may hold a secret.
std::optional<std::string> url_fault(const std::string& url);

// The name of a Kubernetes namespace: a DNS label.
bool is_dns_label(std::string_view text);

// The one of `words` that `word` is most likely a slip of, if any comes close.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& words);

}  // namespace runnerwatch
