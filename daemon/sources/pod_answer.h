#pragma once

#include "daemon/net/http_client.h"
#include "daemon/sources/pod_source.h"

#include <cstdint>
#include <memory>

// The inside of a pod's source, shared by its .cpp files and by nobody else.
namespace runnerwatch {

// One answer of the log API: given up when it is destroyed.
struct PodSource::Answer final : HttpStreamTaker {
    explicit Answer(PodSource& its_source) : source(its_source) {}

    void on_headers(int status) override;
    void on_bytes(std::string_view bytes) override;
    void on_end(StreamEnd how) override;

    PodSource& source;
    std::unique_ptr<HeldAnswer> held;  // it is read beside another one
    bool begun = false;                // the server gives the log
    std::uint64_t credentials = 0;     // it was asked with
    std::unique_ptr<StreamEnd> end;    // none: it goes on
    std::shared_ptr<HttpStream> stream;
};

}  // namespace runnerwatch
