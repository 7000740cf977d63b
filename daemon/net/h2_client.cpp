#include "daemon/net/h2_client.h"

#include <algorithm>
#include <utility>

namespace runnerwatch {
namespace {

constexpr std::size_t gathered_max = 64 * 1024;
// What is so large is worth no copy.
constexpr std::size_t large_enough = 4 * 1024;

}  // namespace

H2Client::~H2Client() = default;

void H2Client::place(H2Stream& stream) {
    const H2Request& request = *stream.request();
    for (auto it = connections_.rbegin(); it != connections_.rend(); ++it)
        if ((*it)->takes(request)) {
            const auto chosen = *it;  // it may be gone when it has tried
            return chosen->add(stream);
        }
    const auto made = std::make_shared<H2Connection>(*this, request);
    connections_.push_back(made);
    made->add(stream);
    made->begin();
}

bool H2Client::goes_behind(const H2Stream* stream, std::string_view bytes) const {
    return gathering_ == stream && bytes.size() < large_enough &&
           gathered_.size() + bytes.size() <= gathered_max;
}

void H2Client::gather(H2Stream& stream, std::string_view bytes) {
    if (bytes.size() >= large_enough) return hand_over(stream, bytes);
    gathering_ = &stream;
    gathered_ += bytes;
}

void H2Client::hand_over() {
    if (!gathering_) return;
    hand_over(*std::exchange(gathering_, nullptr), gathered_);
    gathered_.clear();
}

void H2Client::hand_over(H2Stream& stream, std::string_view bytes) {
    const bool wanted = stream.bytes(bytes);
    if (!wanted && stream.connection) stream.connection->reset(stream);
}

void H2Client::forget(const H2Stream& stream) {
    if (gathering_ != &stream) return;
    gathering_ = nullptr;
    gathered_.clear();
}

void H2Client::forget(const H2Connection& connection) {
    std::erase_if(connections_, [&](const auto& one) { return one.get() == &connection; });
}

}  // namespace runnerwatch
