#pragma once

#include "daemon/net/http_server.h"

#include <string_view>

namespace runnerwatch {

// Shorter is not worth the time.
constexpr std::size_t gzip_bytes_min = 1024;

// Whether a client takes gzip, by its Accept-Encoding (RFC 9110, 12.5.3).
bool takes_gzip(std::string_view accept_encoding);

// Compresses the body if that is worth it, and says so in the headers; a body that is compressed
// already stays. Pure; some 100 MB/s.
void compress(ServerReply& reply);

}  // namespace runnerwatch
