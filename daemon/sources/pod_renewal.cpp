// The answers that a pod's source reads: one, and at times another beside it that takes its place.
//
// A kubelet ends every stream after four hours, and what a file holds when it is rotated before the
// next stream is open is lost. So the next one is opened while the last one goes on, and takes over
// when it has brought the last line that was handed over.
#include "daemon/sources/pod_answer.h"

#include <utility>

namespace runnerwatch {

namespace {

constexpr std::chrono::minutes ask_again{10};  // where an answer beside was refused or ended

}  // namespace

void PodSource::Answer::on_headers(int status) {
    source.use_turn(status);
    if (status != 200) return;
    begun = true;
    if (held) return source.wake();
    source.opened_ = true;
    source.log_.answer_begun();
    source.trouble("");
    if (source.log_.alignment_wants_end()) source.wake();
}

void PodSource::Answer::on_bytes(std::string_view bytes) {
    if (held) {
        held->bytes(bytes);
        return source.wake();
    }
    PodLog& log = source.log_;
    source.active_ = true;
    const bool was_aligning = log.aligning();
    log.bytes(bytes);
    if (log.alignment_wants_end() || log.aligning() != was_aligning || log.repeating() ||
        source.beside_)
        source.wake();
}

void PodSource::Answer::on_end(StreamEnd how) {
    end = std::make_unique<StreamEnd>(std::move(how));
    if (!held) source.ended_known_ = source.draining_;
    source.wake();
}

asio::awaitable<std::unique_ptr<PodSource::Answer>> PodSource::ask(bool following,
                                                                   std::optional<Timestamp> since,
                                                                   bool fresh) {
    auto answer = std::make_unique<Answer>(*this);
    std::string query = following ? "&follow=true" : "";
    if (since) query += "&sinceTime=" + format_time(*since).substr(0, 19) + "Z";
    auto opened = co_await api_.open(log_path(query), *answer, fresh);
    if (opened) {
        answer->credentials = opened->credentials;
        answer->stream = std::move(opened->stream);
    } else {
        answer->end = std::make_unique<StreamEnd>();
        answer->end->what = opened.error().what;
    }
    co_return answer;
}

// Streams that were opened together are neither probed nor replaced together.
Duration::rep PodSource::spread() const {
    return static_cast<Duration::rep>(std::hash<std::string>{}(place_.instance) % 1024);
}

void PodSource::schedule_renewal() {
    renew_at_ = clock_.now() + options_.renew_every * (1024 + spread()) / 2048;
}

asio::awaitable<void> PodSource::ask_beside() {
    renew_at_ = clock_.now() + ask_again;
    co_await take_turn();
    // The stream of a container that ends is left to its end: a new one may be refused.
    if (draining_ || answer_->end || log_.aligning() || log_.repeating()) {
        turn_ = {};
        co_return;
    }
    auto held = std::make_unique<HeldAnswer>(log_.beside());
    auto answer = co_await ask(true, held->since(), false);
    answer->held = std::move(held);
    beside_ = std::move(answer);
}

// Whether the answer beside can take the place of the one that is read. Where the file was rotated
// just before it was asked for, that is when both have brought the next line; until then both go
// on.
asio::awaitable<void> PodSource::look_beside() {
    if (draining_ || beside_->end || beside_->held->unusable()) {
        if (beside_->end) use_turn(beside_->end->status);
        beside_.reset();
        renew_at_ = std::max(renew_at_, clock_.now() + ask_again);
        co_return;
    }
    if (!beside_->begun) co_return;
    if (!answer_->end && (log_.aligning() || log_.repeating() || !log_.goes_on_in(*beside_->held)))
        co_return;
    // Without a line to go by it could be another container's log.
    if (log_.empty() && !co_await is_this_instance()) {
        beside_.reset();
        co_return;
    }
    if (draining_ || beside_->end) co_return;  // meanwhile
    answer_ = std::move(beside_);
    const auto held = std::move(answer_->held);
    log_.go_on_in(std::move(*held));
    schedule_renewal();
}

}  // namespace runnerwatch
