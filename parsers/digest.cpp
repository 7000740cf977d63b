#include "parsers/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace runnerwatch {

std::uint64_t line_hash(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, 32> digest{};
    unsigned int length = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("OpenSSL offers no SHA-256");
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    hex.reserve(digest.size() * 2);
    for (const unsigned char byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

std::string webhook_signature(std::string_view secret, std::string_view signed_text) {
    constexpr std::string_view prefix = "whsec_";
    std::string key(secret);
    if (secret.substr(0, prefix.size()) == prefix) {
        const std::string_view encoded = secret.substr(prefix.size());
        key.resize(encoded.size());
        const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()),
                                         reinterpret_cast<const unsigned char*>(encoded.data()),
                                         static_cast<int>(encoded.size()));
        // OpenSSL counts the padding as zero bytes.
        const auto padding =
            static_cast<std::size_t>(std::count(encoded.begin(), encoded.end(), '='));
        key.resize(size < 0 ? 0 : static_cast<std::size_t>(size) - padding);
        if (size < 0) key = secret;  // not base64: taken as it is
    }
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), mac,
         &size);
    std::string text(4 * ((size + 2) / 3) + 1, '\0');  // OpenSSL adds a NUL
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), mac, static_cast<int>(size));
    text.pop_back();
    return text;
}

}  // namespace runnerwatch
