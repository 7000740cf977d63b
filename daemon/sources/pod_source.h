#pragma once

#include "daemon/cluster/api_client.h"
#include "daemon/runtime/backoff.h"
#include "daemon/runtime/clock.h"
#include "daemon/sources/log_source.h"
#include "daemon/sources/pod_log.h"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace runnerwatch {

// The log of one container instance, through the log API.
//
// A stream that ends proves nothing: it is opened again from a second before the last line, and
// goes on only where the last lines come again (parsers/anchor_ring.h). What cannot be found again
// is reported as a gap. Before the server cuts a stream (kubelets do after four hours) another one
// is opened beside it and takes its place. Confined to the loop; `api` and `clock` outlive it.
class PodSource : public LogSource {
public:
    // In words, once per change; empty: it works again. `right`: one that the whole namespace
    // lacks.
    using OnTrouble = std::function<void(const Place&, const std::string& what, bool right)>;
    // The node's kubelet cannot follow this log for want of inotify instances: until it can again
    // the log is asked for every few seconds.
    using OnUnfollowed = std::function<void(const Place&, bool unfollowed)>;
    struct Options {
        Duration history{};  // first contact: how far back; 0: from now on
        OnTrouble on_trouble{};
        // A quiet stream is checked this often (our clock): whether the log has gone on without it.
        Duration probe_every = std::chrono::minutes(5);
        // A stream is replaced between half of this and all of it after it began.
        Duration renew_every = std::chrono::minutes(225);
        int run = -1;  // of the container: how often it had been started again before
        // It started then, and while we watched: its first line is to be read.
        std::optional<Timestamp> began{};
        OnUnfollowed on_unfollowed{};
    };

    // `instance`: the containerID that is to be read, which may be the container's last one.
    PodSource(ApiClient& api, const Clock& clock, Place place, std::string instance,
              const PodContainer& container, std::optional<PositionRow> position, Options options);
    ~PodSource() override;

    // What the watch says of the pod's container now. An instance that has ended is drained.
    void update(const PodContainer& container);

    const Place& place() const override { return place_; }
    asio::awaitable<void> run(LineSink& sink) override;
    PositionRow position(std::size_t held_lines) const override;
    void drain() override;
    asio::awaitable<void> probe_tail() override;

private:
    // Where the instance is read: as the container's current one, as its previous one, or not.
    enum class Standing { current, previous, unreadable };
    struct Answer;  // of the log API, as it comes
    // What to do after an answer or a refusal.
    enum class Next { retry, retry_slowly, nothing_left };

    asio::awaitable<void> open();
    asio::awaitable<void> follow();
    asio::awaitable<void> finish();
    asio::awaitable<std::optional<Next>> look();
    asio::awaitable<Next> read(bool following);
    asio::awaitable<std::unique_ptr<Answer>> ask(bool following, std::optional<Timestamp> since,
                                                 bool fresh);
    asio::awaitable<void> attend(bool following);
    asio::awaitable<Next> conclude(bool following);
    Duration next_look(bool following);
    asio::awaitable<void> find_place(int& quiet_rounds);
    asio::awaitable<void> settle_repeat();
    asio::awaitable<void> ask_beside();
    asio::awaitable<void> look_beside();
    void schedule_renewal();
    asio::awaitable<bool> has_stalled();
    asio::awaitable<bool> place_is_clear();
    asio::awaitable<bool> is_this_instance();
    asio::awaitable<bool> has_successor();
    bool seems_ours(const LogTail& last);
    asio::awaitable<Result<std::optional<LogTail>, ApiError>> tail();
    asio::awaitable<void> wait(Duration most);
    void wake();
    Next judge(const ApiError& error);
    Duration pause(Next next);
    asio::awaitable<void> take_turn();
    void use_turn(int status);
    void trouble(const std::string& what, bool right = false);
    void report_unproven_end();
    void set_unfollowed(bool unfollowed);
    std::optional<Timestamp> end_known() const;
    Duration next_probe();
    Duration::rep spread() const;
    asio::awaitable<bool> prove(const std::optional<LogTail>& last, Timestamp began);
    std::string log_path(const std::string& query) const;
    std::string pod_path() const;

    ApiClient& api_;
    const Clock& clock_;
    const Place place_;
    const std::string instance_;
    const Options options_;
    PodContainer container_;  // as last seen
    Standing standing_ = Standing::current;
    Standing asked_ = Standing::current;  // how the answer in hand was asked for
    LineSink* sink_ = nullptr;
    PodLog log_;
    bool complete_ = false;

    bool draining_ = false;
    Timestamp drain_began_{};
    bool opened_ = false;       // an answer to a request for the log has begun
    bool ended_well_ = false;   // the last stream ended in order, with nothing held back
    bool ended_known_ = false;  // and it was known then that the container had ended
    std::string problem_;       // what the kubelet wrote instead of the log's end

    std::unique_ptr<Answer> answer_;  // that is being read
    std::unique_ptr<Answer> beside_;  // that is to take its place
    std::optional<asio::steady_timer> wake_;
    bool woken_ = false;
    bool active_ = false;      // bytes have come since last asked
    bool read_whole_ = false;  // the next answer is to begin at the log's start
    bool reopen_ = false;      // the answer in hand is to be given up for it
    bool stalled_ = false;     // the answer before this one had stopped without an end
    Timestamp probe_at_{}, renew_at_{}, settle_at_{};
    std::optional<Timestamp> doubted_since_;  // whether the name has passed on to another run
    bool look_due_ = false;                   // the answer in hand was asked for without a look
    std::optional<LineMark> stalled_at_;      // the line that it did not bring
    OpenPacer::Turn turn_;                    // to ask for the log
    Backoff quick_, slow_;
    std::chrono::seconds retry_after_{0};
    std::string trouble_;
    bool right_lacks_ = false;  // and that is the trouble
    bool unfollowed_ = false;   // the kubelet lacks the means to follow the log
};

}  // namespace runnerwatch
