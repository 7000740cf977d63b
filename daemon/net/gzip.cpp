#include "daemon/net/gzip.h"

#include "parsers/ascii_lower.h"

#include <zlib.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace runnerwatch {

namespace {

constexpr int with_gzip_header = 15 + 16;  // of deflateInit2
constexpr int memory_level = 8;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

// "q=0", "q=0.000": not at all.
bool refuses(std::string_view parameters) {
    const std::size_t at = parameters.find("q=");
    if (at == std::string_view::npos) return false;
    const std::string_view value = parameters.substr(at + 2);
    const std::size_t end = std::min(value.find_first_not_of("0."), value.size());
    return value.starts_with('0') && (end == value.size() || value[end] == ' ');
}

std::string gzip(std::string_view text) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, with_gzip_header, memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc();
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int done = deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    if (done != Z_STREAM_END) throw std::logic_error("deflate did not finish");
    return out;
}

}  // namespace

bool takes_gzip(std::string_view accept_encoding) {
    bool any = false;
    while (!accept_encoding.empty()) {
        const std::size_t end = std::min(accept_encoding.find(','), accept_encoding.size());
        const std::string_view one = accept_encoding.substr(0, end);
        const std::size_t semicolon = std::min(one.find(';'), one.size());
        const std::string_view name = trimmed(one.substr(0, semicolon));
        const bool wanted = !refuses(one.substr(semicolon));
        if (same_word(name, "gzip") || same_word(name, "x-gzip")) return wanted;
        if (name == "*") any = wanted;
        accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
    }
    return any;
}

void compress(ServerReply& reply) {
    const bool text =
        reply.content_type.starts_with("application/") || reply.content_type.starts_with("text/");
    const bool done = std::any_of(reply.headers.begin(), reply.headers.end(),
                                  [](const auto& one) { return one.first == "content-encoding"; });
    if (!text || done || reply.body.size() < gzip_bytes_min) return;
    reply.body = gzip(reply.body);
    // Other bytes have another tag (RFC 9110, 8.8.3.3); what it begins with stays.
    for (auto& [name, value] : reply.headers)
        if (name == "etag" && value.ends_with('"')) value.insert(value.size() - 1, "-gzip");
    reply.headers.emplace_back("content-encoding", "gzip");
}

}  // namespace runnerwatch
