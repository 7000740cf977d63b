#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace runnerwatch {

// 64 bits that tell one line from another within a second (XXH3). Stored in positions, so its
// value for given bytes never changes. Not for anything an attacker must not forge.
std::uint64_t line_hash(std::string_view bytes);

// SHA-256 in lower-case hex, 64 characters. For keys that are computed instead of drawn.
std::string sha256_hex(std::string_view bytes);

// The base64 HMAC-SHA256 of Standard Webhooks 1.0. `secret` is "whsec_" and base64; anything else
// is taken as the key's bytes.
std::string webhook_signature(std::string_view secret, std::string_view signed_text);

}  // namespace runnerwatch
