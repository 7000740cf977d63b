// What a pod's source asks beside the answer that it reads: for the log's last line, and whose log
// it is.
#include "daemon/sources/pod_source.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <utility>

namespace runnerwatch {

namespace {

using std::chrono::seconds;

constexpr seconds late_after{5};  // what a probe sees the stream has brought by then
constexpr seconds settle_again{1};
constexpr seconds doubt_max{30};  // a pod's object tells of a restart long before
constexpr std::size_t repeat_bytes_max = 4 * 1024 * 1024;

}  // namespace

// Whether the answer has reached the end of the log.
asio::awaitable<bool> PodSource::place_is_clear() {
    const Timestamp began = clock_.now();
    auto last = co_await tail();
    if (!last) co_return false;
    co_await prove(*last, began);
    if (!*last) co_return log_.alignment_empty();
    read_whole_ = log_.alignment_empty() && log_.is_before_answer(**last);
    co_return log_.alignment_has_seen(**last);
}

// Lines of one time have come again: the file tells whether it holds them twice.
asio::awaitable<void> PodSource::settle_repeat() {
    const auto since = log_.repeats_since();
    if (!since) co_return;
    const std::size_t repeated = log_.repeated();
    auto log = co_await api_.get(log_path("&sinceTime=" + format_time(*since).substr(0, 19) +
                                          "Z&limitBytes=" + std::to_string(repeat_bytes_max)));
    settle_at_ = clock_.now() + settle_again;
    if (log_.repeats_since() != since) co_return;  // meanwhile
    const bool all = log && log->size() < repeat_bytes_max;
    log_.settle_repeat(all ? std::optional<std::string_view>(*log) : std::nullopt, repeated);
}

// The log is asked for by the pod's and the container's name: both may have passed on to another.
asio::awaitable<bool> PodSource::is_this_instance() {
    auto body = co_await api_.get(pod_path());
    // A refusal speaks against nothing, and a pod that is gone has no other instance.
    if (!body) co_return body.error().code != 0;
    const auto pod = parse_pod(nlohmann::json::parse(*body, nullptr, false));
    if (!pod) co_return true;
    if (pod->uid != place_.member_uid) {
        standing_ = Standing::unreadable;
        drain();
        co_return false;
    }
    for (const PodContainer& container : pod->containers)
        if (container.name == place_.container) update(container);
    if (standing_ != asked_) co_return false;
    // A log that is read for the first time has no lines to take for another's.
    if (standing_ != Standing::current || log_.is_new()) co_return true;
    const bool passed_on = co_await has_successor();
    co_return !passed_on;
}

// A restart shows in the pod's object seconds after the new log is served. The kubelet, whose word
// a log request goes by, knows: it gives the log of the run before.
asio::awaitable<bool> PodSource::has_successor() {
    auto before = co_await api_.get(log_path("&previous=true&tailLines=1&limitBytes=65536"));
    if (!before) co_return before.error().code != 400;  // there is none; else nobody knows
    std::string_view line = *before;
    if (line.ends_with('\n')) line.remove_suffix(1);
    const auto last = parse_log_line(line);
    bool ours = options_.run == 0;  // the first run has none before it
    if (!last && !line.empty())
        ours = line.find(instance_) != line.npos;  // an error, in words
    else if (last && !ours)
        ours = log_.handed_over(*last);
    if (ours) {
        standing_ = Standing::previous;
        drain();
    }
    co_return ours || (last && seems_ours(*last));
}

// Whether `last`, the end of a run that is over, seems to be ours and not of the run before us:
// that one wrote nothing behind any line of ours, nor when we had surely begun (in the second we
// are told). A node's clock that was set back makes it seem so, too: what the pod's object does not
// confirm in time is not believed.
bool PodSource::seems_ours(const LogTail& last) {
    const auto first = log_.first_time();
    const bool seems = (first && last.mark.time >= *first) ||
                       (container_.id == instance_ && container_.started_at &&
                        last.mark.time >= *container_.started_at + seconds(1));
    if (!seems) {
        doubted_since_.reset();
        return false;
    }
    if (!doubted_since_) doubted_since_ = clock_.now();
    return clock_.now() - *doubted_since_ < doubt_max;
}

asio::awaitable<Result<std::optional<LogTail>, ApiError>> PodSource::tail() {
    auto body = co_await api_.get(log_path("&tailLines=1&limitBytes=65536"));
    if (!body) co_return failure(body.error());
    std::string_view line = *body;
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) co_return std::optional<LogTail>();
    auto last = parse_log_line(line);
    if (last) co_return last;
    ApiError error;
    error.code = 200;
    error.what =
        "the log API gave an error instead of the log: " + parse_api_status(200, line).message;
    co_return failure(std::move(error));
}

asio::awaitable<void> PodSource::probe_tail() {
    if (!sink_ || complete_) co_return;
    // The log's times are the node's. Its clock is taken to agree with ours.
    const Timestamp began = clock_.now();
    const auto last = co_await tail();
    if (!last || complete_) co_return;
    const bool proven = co_await prove(*last, began);
    if (proven || complete_) co_return;
    if (*last && log_.is_before_answer(**last)) {
        read_whole_ = reopen_ = true;
        wake();
    }
}

// The log ended with `last` when our clock was at `began`: tells the sink if that was read.
asio::awaitable<bool> PodSource::prove(const std::optional<LogTail>& last, Timestamp began) {
    if (standing_ == Standing::unreadable) co_return false;  // it is another's log
    bool proven = last ? log_.handed_over(*last) : log_.surely_empty();
    // An empty log has no line that tells whose it is: the next run's is empty, too.
    if (proven && !last) {
        if (standing_ != Standing::current) co_return false;
        const bool others = co_await has_successor();
        proven = !others && log_.surely_empty();
    }
    if (proven && !complete_) sink_->on_watermark(began);
    co_return proven;
}

// Before an answer is asked for. Nothing hinders: the turn is good for the answer, too.
asio::awaitable<std::optional<PodSource::Next>> PodSource::look() {
    co_await take_turn();
    const Timestamp began = clock_.now();
    const auto last = co_await tail();
    if (!last) {
        use_turn(last.error().code);
        co_return judge(last.error());
    }
    log_.ends_at(*last);
    read_whole_ = *last && log_.is_before_answer(**last);
    sink_->on_opened();
    // Whose log an empty one is is asked for later, when all streams are open.
    if (*last) co_await prove(*last, began);
    co_return std::nullopt;
}

// A stream may have stopped without an end: its connection is half open, or the kubelet follows a
// file that is no more (kubernetes/kubernetes#122928). Only a probe tells that from a quiet log.
asio::awaitable<bool> PodSource::has_stalled() {
    if (look_due_ && api_.pacer().waiting() > 0) {  // streams come first
        probe_at_ = clock_.now() + late_after;
        co_return false;
    }
    probe_at_ = clock_.now() + options_.probe_every;
    const bool look = std::exchange(look_due_, false);
    if (std::exchange(active_, false) &&
        !look) {  // nobody knows when: within twice as long it is proven
        probe_at_ -= options_.probe_every / 4;
        co_return false;
    }
    const Timestamp began = clock_.now();
    const auto last = co_await tail();
    if (!last) co_return false;
    const bool proven = co_await prove(*last, began);
    if (proven || !*last || active_) co_return false;
    read_whole_ = log_.is_before_answer(**last);
    if (read_whole_) co_return true;
    const Timestamp until = clock_.now() + late_after;
    while (clock_.now() < until && !draining_ && !reopen_) co_await wait(until - clock_.now());
    if (active_ || log_.handed_over(**last)) co_return false;
    // Once per line: where it does not help, it is of no use to try again.
    if (stalled_at_ == (*last)->mark) co_return false;
    stalled_at_ = (*last)->mark;
    stalled_ = true;
    co_return true;
}

Duration PodSource::next_probe() {
    const Timestamp now = clock_.now();
    if (probe_at_ <= now) {
        probe_at_ = now + options_.probe_every * (512 + spread()) / 1536;
    }
    return probe_at_ - now;
}

void PodSource::set_unfollowed(bool unfollowed) {
    if (unfollowed_ == unfollowed) return;
    unfollowed_ = unfollowed;
    if (options_.on_unfollowed) options_.on_unfollowed(place_, unfollowed);
}

}  // namespace runnerwatch
