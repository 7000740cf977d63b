#pragma once

#include "daemon/net/curl_handle.h"
#include "daemon/net/http_client.h"

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

// One transfer: what libcurl reads from and writes to while it runs. Stays where it is.
struct HttpTransfer {
    explicit HttpTransfer(HttpCall what) : call(std::move(what)) {}
    HttpTransfer(const HttpTransfer&) = delete;
    HttpTransfer& operator=(const HttpTransfer&) = delete;

    // Sets all options; an empty result is success, else what is wrong with the call.
    std::string prepare();

    // The answer has begun: what was needed to ask is let go of.
    void forget_request();

    // Why there is no answer, in words without a secret.
    std::string in_words(CURLcode code) const;

    std::string_view header(std::string_view name) const;

    CurlEasy easy = new_curl_easy();
    CurlList headers, connect_to;
    HttpCall call;
    char error[CURL_ERROR_SIZE] = {};
    std::string host;  // for people

    int status = 0;
    std::vector<std::pair<std::string, std::string>> reply_headers;
    std::size_t header_bytes = 0;
    std::function<void()> on_headers;               // once, of the final answer
    std::function<bool(std::string_view)> on_body;  // false: too much
    bool too_large = false;
    std::exception_ptr thrown;  // by a callback; must not pass through libcurl
};

HttpFailure::Kind failure_kind(CURLcode code);

// Whether a header would bring others with it.
bool smuggles(const std::string& name, const std::string& value);

// The value of a header, by its name in lower case; empty when absent.
std::string_view find_header(const std::vector<std::pair<std::string, std::string>>& headers,
                             std::string_view name);

}  // namespace runnerwatch
