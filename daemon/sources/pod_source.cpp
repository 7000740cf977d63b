#include "daemon/container_runs.h"
#include "daemon/sources/pod_answer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

namespace runnerwatch {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds quick_first{250};
constexpr seconds quick_max{30};
constexpr seconds slow_first{2}, slow_max{60};
constexpr seconds healthy_after{60};
constexpr seconds retry_after_max{300};

constexpr seconds quiet_after{5};  // a replay that pauses this long may have come to its end
constexpr int quiet_rounds_max = 3;
constexpr seconds drain_grace{30};  // for the open stream of a container that has ended
constexpr int final_reads_max = 5;
constexpr seconds final_first{1}, final_max{10};
constexpr seconds unfollowed_pause{3};
constexpr seconds probe_soon{10};  // after a stream was opened again, half to one and a half of it

bool says_gone(const ApiError& error) { return error.code == 404 && error.kind == "pods"; }

// The kubelet gives what is there, and would wait for more with an inotify instance of its own.
bool says_unfollowed(const std::string& problem) {
    return problem.find("fsnotify") != problem.npos &&
           problem.find("too many open files") != problem.npos;
}

// Nothing was written before the container began; that is told in whole seconds, and perhaps later
// than its first line was written.
std::optional<Timestamp> beginning_of(const PodContainer& container, const std::string& instance) {
    constexpr seconds tolerance{10};
    if (container.id != instance || !container.started_at) return std::nullopt;
    return *container.started_at - tolerance;
}

}  // namespace

PodSource::PodSource(ApiClient& api, const Clock& clock, Place place, std::string instance,
                     const PodContainer& container, std::optional<PositionRow> position,
                     Options options)
    : api_(api),
      clock_(clock),
      place_(std::move(place)),
      instance_(std::move(instance)),
      options_(std::move(options)),
      log_(position, clock.now() - options_.history, options_.history <= Duration::zero(),
           beginning_of(container, instance_)),
      complete_(position && position->complete),
      quick_(quick_first, quick_max),
      slow_(slow_first, slow_max) {
    if (options_.began) log_.started(*options_.began);
    update(container);
}

PodSource::~PodSource() = default;

void PodSource::update(const PodContainer& container) {
    if (container == container_) return;
    container_ = container;
    const bool mentions_none = container.id.empty() && container.last_id.empty();
    if (container.id == instance_ || mentions_none)
        standing_ = Standing::current;
    else if (container.last_id == instance_)
        standing_ = Standing::previous;
    else
        standing_ = Standing::unreadable;
    const bool between_restarts = container.state == PodContainer::State::waiting &&
                                  container.id == instance_ && container.last_id == instance_;
    if (standing_ != Standing::current || between_restarts ||
        container.state == PodContainer::State::terminated)
        drain();
    wake();
}

void PodSource::drain() {
    if (draining_) return;
    draining_ = true;
    drain_began_ = clock_.now();
    wake();
}

PositionRow PodSource::position(std::size_t held_lines) const {
    PositionRow row;
    row.instance = place_.instance;
    row.kind = "pod";
    row.blob = log_.blob(held_lines);
    put_run(row.blob, options_.run);
    row.lines = log_.lines() - held_lines;
    row.complete = complete_ && held_lines == 0;
    row.updated_at = clock_.now();
    return row;
}

asio::awaitable<void> PodSource::run(LineSink& sink) {
    sink_ = &sink;
    log_.hand_to(sink);
    wake_.emplace(co_await asio::this_coro::executor);
    if (!complete_) {
        co_await open();
        co_await follow();
        co_await finish();
        complete_ = true;
    }
    turn_ = {};
    set_unfollowed(false);
    log_.caught_up();
    sink.on_complete();
}

asio::awaitable<void> PodSource::open() {
    for (int tries = 0; !draining_ || tries < final_reads_max; ++tries) {
        if (standing_ == Standing::unreadable) co_return;
        const auto hindrance = co_await look();
        if (!hindrance) co_return;
        if (*hindrance == Next::nothing_left && draining_) co_return;
        co_await wait(pause(*hindrance));
    }
}

asio::awaitable<void> PodSource::follow() {
    for (bool looked = true; !draining_; looked = false) {
        // open() has, before the first answer. One request less for each of thousands that are
        // opened again; what only a look shows is seen by a probe soon after.
        if (!looked && log_.has_caught_up()) {
            look_due_ = true;
            probe_at_ = std::min(probe_at_, clock_.now() + probe_soon * (512 + spread()) / 1024);
        } else if (!looked) {
            if (const auto hindrance = co_await look()) {
                if (!draining_) co_await wait(pause(*hindrance));
                continue;
            }
            if (draining_) break;
        }
        const Timestamp began = clock_.now();
        const Next next = co_await read(true);
        if (draining_) break;
        if (clock_.now() - began >= healthy_after) quick_.reset();
        co_await wait(pause(next));
    }
}

// The container has ended: what is left of its log, and the proof that it is all.
asio::awaitable<void> PodSource::finish() {
    Backoff backoff(final_first, final_max);
    // A stream that ended in order when the container was known to have ended is good evidence;
    // proof is a probe that finds nothing behind the last line.
    const bool terminated =
        container_.id == instance_ && container_.state == PodContainer::State::terminated;
    bool evident = ended_well_ && (ended_known_ || terminated);
    bool proven = false;
    for (int tries = 0; tries < final_reads_max && !proven; ++tries) {
        if (tries > 0) co_await wait(backoff.next());
        if (standing_ == Standing::unreadable) break;
        const Next next = co_await read(false);
        if (next == Next::nothing_left) break;
        if (!ended_well_) continue;
        auto last = co_await tail();
        if (last) proven = *last ? log_.ends_with(**last) : log_.empty();
        read_whole_ = last && *last && log_.is_before_answer(**last);
        evident = !last || proven;
    }
    if (!proven && !evident) report_unproven_end();
}

void PodSource::report_unproven_end() {
    SourceGap gap;
    gap.from = log_.last_time();
    if (!gap.from && container_.id == instance_) gap.from = container_.started_at;
    gap.to = end_known().value_or(clock_.now());
    const bool unseen = !opened_ && log_.empty();
    gap.certainty = unseen ? "lost" : "possibly_lost";
    gap.kind = unseen             ? "pod_gone_before_open"
               : problem_.empty() ? "tail_unproven"
                                  : "in_band_error";
    gap.details = problem_.empty() ? trouble_ : problem_;
    sink_->on_gap(gap);
}

// When the instance had ended at the latest. The API gives whole seconds, rounded down.
std::optional<Timestamp> PodSource::end_known() const {
    std::optional<Timestamp> end;
    if (container_.id == instance_)
        end = container_.finished_at;
    else if (container_.last_id == instance_)
        end = container_.last_finished_at;
    if (!end && container_.id != instance_) end = container_.started_at;
    return end ? std::optional(*end + seconds(1)) : end;
}

std::string PodSource::pod_path() const {
    return "/api/v1/namespaces/" + place_.namespace_ + "/pods/" + place_.member;
}

std::string PodSource::log_path(const std::string& query) const {
    return pod_path() + "/log?container=" + place_.container + "&timestamps=true" + query +
           (standing_ == Standing::previous ? "&previous=true" : "");
}

// Reads one answer of the log API to its end.
asio::awaitable<PodSource::Next> PodSource::read(bool following) {
    co_await take_turn();
    struct GiveUp {  // whatever ends the reading ends the answers, too
        ~GiveUp() {
            source.answer_.reset();
            source.beside_.reset();
        }
        PodSource& source;
    } const give_up{*this};
    ended_well_ = reopen_ = false;
    asked_ = standing_;
    const bool fresh = std::exchange(stalled_, false);
    const auto since = log_.start_answer(std::exchange(read_whole_, false), fresh);
    answer_ = co_await ask(following, since, fresh);
    co_await attend(following);
    co_return co_await conclude(following);
}

// What an answer says that has ended or was given up.
asio::awaitable<PodSource::Next> PodSource::conclude(bool following) {
    const auto end = std::move(answer_->end);
    use_turn(end ? end->status : 0);  // where no answer had begun
    if (!end) {                       // it was given up
        log_.drop_alignment();
        co_return Next::retry;
    }
    if (end->thrown) std::rethrow_exception(end->thrown);
    if (end->status != 200) {
        log_.drop_alignment();
        if (end->status == 401 && co_await api_.renew(answer_->credentials)) co_return Next::retry;
        co_return judge(api_.explain(log_path(""), *end));
    }
    if (following)
        co_await settle_repeat();
    else
        log_.end_repeat();
    const auto rest = log_.end_answer(draining_ && end->clean);
    problem_ = rest.problem;
    if (following && says_unfollowed(problem_)) set_unfollowed(true);
    // How the stream of a deleted pod may end.
    const bool container_gone = following && problem_.find("code = NotFound") != problem_.npos;
    const bool in_order = end->clean && !rest.line && (problem_.empty() || container_gone);
    if (in_order && draining_ && log_.aligning()) {
        if (!co_await is_this_instance()) {
            log_.drop_alignment();
            co_return Next::retry;
        }
        log_.end_alignment();
    }
    // An answer whose place was not found says nothing about the end.
    ended_well_ = in_order && !log_.aligning() && !log_.repeating();
    log_.drop_alignment();
    co_return Next::retry;
}

// Beside an answer: ends a search for the place in the log that cannot succeed any more, and an
// answer that does not end; has it replaced in time. Returns when it has ended or is to be given
// up.
asio::awaitable<void> PodSource::attend(bool following) {
    active_ = false;
    const Timestamp began = clock_.now();
    schedule_renewal();
    for (int quiet_rounds = 0; !answer_->end || beside_;) {
        const Duration most = next_look(following);
        if (most <= Duration::zero() && draining_) co_return;
        co_await wait(most);
        if (clock_.now() - began >= unfollowed_pause) set_unfollowed(false);
        if (beside_) co_await look_beside();
        if (reopen_) co_return;
        if (answer_->end) continue;
        if (log_.aligning())
            co_await find_place(quiet_rounds);
        else if (log_.repeating() && clock_.now() >= settle_at_)
            co_await settle_repeat();
        else if (clock_.now() >= probe_at_ && co_await has_stalled())
            co_return;
        else if (following && !beside_ && clock_.now() >= renew_at_)
            co_await ask_beside();
    }
}

// When something is to be done about the answer, if nothing happens before. Of a container that has
// ended: how long its stream may still go on.
Duration PodSource::next_look(bool following) {
    const Timestamp now = clock_.now();
    Duration most = log_.aligning() ? quiet_after : next_probe();
    if (unfollowed_) most = std::min<Duration>(most, unfollowed_pause);
    if (log_.repeating()) most = std::min(most, std::max(Duration::zero(), settle_at_ - now));
    if (following && !draining_ && !beside_ && !log_.aligning())
        most = std::min(most, renew_at_ - now);
    if (following && draining_) most = std::min(most, drain_began_ + drain_grace - now);
    return most;
}

// The place in the log has not been found yet: ends the search where it cannot succeed any more, or
// the answer (reopen_).
asio::awaitable<void> PodSource::find_place(int& quiet_rounds) {
    if (!answer_->begun) co_return;
    if (!log_.alignment_wants_end()) {
        // While others wait for their streams, a log without a line can wait for its proof.
        if (log_.alignment_empty() && api_.pacer().waiting() > 0) co_return;
        // A busy log is asked, too: behind a clock that was set back it would be held for ever.
        if (std::exchange(active_, false)) quiet_rounds = -1;
        const bool clear = co_await place_is_clear();
        if (++quiet_rounds >= quiet_rounds_max && log_.alignment_empty() && !clear) {
            reopen_ = true;
            co_return;
        }
        if (quiet_rounds < quiet_rounds_max && !clear) co_return;
    }
    if (!log_.alignment_replays() && !co_await is_this_instance()) {
        reopen_ = true;
        co_return;
    }
    log_.end_alignment();
    quiet_rounds = 0;
}

asio::awaitable<void> PodSource::wait(Duration most) {
    if (!woken_) {
        wake_->expires_after(clock_.real(most));
        co_await wake_->async_wait(asio::as_tuple(asio::use_awaitable));
    }
    woken_ = false;
}

void PodSource::wake() {
    woken_ = true;
    if (wake_) wake_->cancel();
}

PodSource::Next PodSource::judge(const ApiError& error) {
    int wanted = 0;
    const char* end = error.retry_after.data() + error.retry_after.size();
    if (std::from_chars(error.retry_after.data(), end, wanted).ptr == end && wanted > 0)
        retry_after_ = std::min(seconds(wanted), retry_after_max);
    if (says_gone(error)) return draining_ ? Next::nothing_left : Next::retry_slowly;
    if (error.code == 204) return Next::retry_slowly;  // no node yet
    // Waiting to start, or the kubelet does not know its container yet.
    if (error.code == 400) {
        for (const char* words : {"must be specified", "is not valid"})
            if (error.what.find(words) != error.what.npos) trouble(error.what);
        return Next::retry_slowly;
    }
    if (error.code != 404) trouble(error.what, error.code == 403);
    return error.code == 401 || error.code == 403 ? Next::retry_slowly : Next::retry;
}

asio::awaitable<void> PodSource::take_turn() {
    if (!turn_) turn_ = co_await api_.pacer().turn(place_.node);
}

void PodSource::use_turn(int status) {
    if (status == 0 || status == 429 || status >= 500)
        turn_.failed();
    else
        turn_.succeeded();
}

void PodSource::set_unfollowed(bool unfollowed) {
    if (unfollowed_ == unfollowed) return;
    unfollowed_ = unfollowed;
    if (options_.on_unfollowed) options_.on_unfollowed(place_, unfollowed);
}

Duration PodSource::pause(Next next) {
    if (unfollowed_ && next == Next::retry) {
        quick_.reset();
        return unfollowed_pause;
    }
    const Duration wait = next == Next::retry ? quick_.next() : slow_.next();
    if (next == Next::retry) slow_.reset();
    return std::max<Duration>(wait, std::exchange(retry_after_, seconds(0)));
}

void PodSource::trouble(const std::string& what, bool right) {
    if (what == trouble_) return;
    // What was lacking is told when it is there.
    if (right_lacks_ && !right && options_.on_trouble) options_.on_trouble(place_, "", true);
    trouble_ = what;
    const bool was_right = std::exchange(right_lacks_, right);
    if (options_.on_trouble && (right || !was_right || !what.empty()))
        options_.on_trouble(place_, what, right);
}

}  // namespace runnerwatch
