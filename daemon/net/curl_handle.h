#pragma once

#include <curl/curl.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace runnerwatch {

// libcurl's resources, freed when they leave scope. A header list must outlive the transfer that
// uses it.
struct CurlFree {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlEasy = std::unique_ptr<CURL, CurlFree>;
using CurlList = std::unique_ptr<curl_slist, CurlFree>;
using CurlUrl = std::unique_ptr<CURLU, CurlFree>;

inline CurlEasy new_curl_easy() {
    CurlEasy easy(curl_easy_init());
    if (!easy) throw std::bad_alloc();
    return easy;
}

// Only a wrong option, a wrong type or a lack of memory makes setopt fail: our bug, so throw.
template <class Value>
void set_option(CURL* easy, CURLoption option, Value value) {
    if (auto code = curl_easy_setopt(easy, option, value); code != CURLE_OK)
        throw std::logic_error(curl_easy_strerror(code));
}

inline void add_line(CurlList& list, const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (!longer) throw std::bad_alloc();  // the old list is still ours, and still freed
    static_cast<void>(list.release());    // it is part of the longer one
    list.reset(longer);
}

}  // namespace runnerwatch
