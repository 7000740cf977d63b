#pragma once

#include "daemon/net/curl_multi.h"
#include "daemon/net/http_client.h"

#include <string>
#include <string_view>
#include <vector>

// The inside of the HTTP client, shared by its .cpp files and by nobody else.
namespace runnerwatch {

class CurlStream;
class H2Client;

// What libcurl hands over in small pieces, put together while they come from one stream: streams
// share the memory that a large buffer of each would take. Empty between two turns of libcurl.
class GatheredBytes {
public:
    void add(CurlStream& stream, std::string_view bytes);
    void hand_over();

    // Whether a buffer of libcurl's was full since the last call.
    bool take_full() { return std::exchange(full_, false); }
    // Transfers to be ended, because their taker threw.
    std::vector<CURL*> take_doomed() { return std::exchange(doomed_, {}); }

private:
    CurlStream* stream_ = nullptr;
    std::string bytes_;
    bool full_ = false;
    std::vector<CURL*> doomed_;
};

struct HttpClient::Impl {
    explicit Impl(Loop executor);

    // Only of a server that multiplexes is it known how many connections suffice.
    void note_version(CURL* easy);
    void limit_stream_connections();
    // A stream has waited too long, perhaps for a connection.
    void spare_more_connections();

    Loop loop;
    CurlMulti calls;  // apart from the streams, so that none of them ever waits behind those
    CurlMulti streams;
    std::shared_ptr<H2Client> h2;
    GatheredBytes gathered;
    bool call_buffer_full = false;
    bool calls_suspect = false;  // one had no answer: its connection may be half open
    bool multiplexes = false;
    std::size_t spare_connections;
};

}  // namespace runnerwatch
