#include "daemon/sources/pod_source.h"

#include "daemon/replay/replay_objects.h"
#include "daemon/replay/replay_server.h"
#include "daemon/runtime/task_group.h"
#include "tests/daemon/recording_sink.h"
#include "tests/daemon/run_on_loop.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string pod = "gitlab-runner/one";

ReplayPod one_pod(const std::string& waiting = {}) {
    ReplayContainer container;
    container.name = "build";
    container.image = "gitlab/gitlab-runner";
    container.waiting = waiting;
    ReplayPod result;
    result.namespace_ = "gitlab-runner";
    result.name = "one";
    result.uid = "u-1";
    result.containers = {container};
    return result;
}

ClusterAccess access_to(std::uint16_t port) {
    ClusterAccess access;
    access.context = "replay";
    access.server = "http://127.0.0.1:" + std::to_string(port);
    return access;
}

// A source of the container "build", what it hands over, and the task that runs it.
struct Reader {
    Reader(Loop loop, ApiClient& api, const Clock& clock, const PodContainer& container,
           std::string instance, std::optional<PositionRow> position, Duration history,
           Duration probe_every = 24h)
        : source(api, clock, place(instance), instance, container, std::move(position),
                 {history,
                  [this](const Place&, const std::string& what, bool) { troubles.push_back(what); },
                  probe_every}),
          tasks(loop, &fail_test) {
        tasks.spawn("source", source.run(sink));
    }
    static Place place(const std::string& instance) {
        Place result;
        result.namespace_ = "gitlab-runner";
        result.member = "one";
        result.container = "build";
        result.member_uid = "u-1";
        result.instance = "replay/u-1/build/" + instance;
        return result;
    }
    asio::awaitable<void> stop() { return tasks.stop(); }

    std::vector<std::string> troubles;
    RecordingSink sink;
    PodSource source;
    TaskGroup tasks;
};

ServerReply unavailable() { return status_reply(503, "ServiceUnavailable", "not now"); }

// A cluster with one container and its API. Its clock runs a thousand times as fast, so that what
// takes seconds takes milliseconds.
struct Rig {
    explicit Rig(Loop executor, const std::string& waiting = {})
        : loop(executor), cluster(loop, clock), server(loop, cluster), base(clock.now()) {
        auto listening = server.listen("127.0.0.1:0");
        if (!listening) throw std::runtime_error(listening.error());
        api.emplace(loop, access_to(*listening));
        cluster.add_pod(one_pod(waiting));
    }
    // Lines a tenth of a second apart, beginning now.
    void write(int from, int to) {
        for (int i = from; i <= to; ++i) write(i);
    }
    void write(int number) {
        cluster.append(pod, "build", base + number * 100ms, "line " + std::to_string(number));
    }
    PodContainer container() const {
        const std::string object = pod_object(*cluster.find(pod)).dump();
        return parse_pod(nlohmann::json::parse(object))->containers.front();
    }
    std::unique_ptr<Reader> read(std::optional<PositionRow> position = std::nullopt,
                                 Duration history = 24h) {
        const PodContainer now = container();
        return read_instance(now.id, std::move(position), history);
    }
    std::unique_ptr<Reader> read_instance(const std::string& instance,
                                          std::optional<PositionRow> position = std::nullopt,
                                          Duration history = 24h) {
        return std::make_unique<Reader>(loop, *api, clock, container(), instance,
                                        std::move(position), history);
    }
    asio::awaitable<void> lines(Reader& reader, std::size_t count) {
        auto enough = [&] { return reader.sink.lines.size() >= count; };
        co_await until(enough);
    }
    asio::awaitable<void> call(Reader& reader, std::string name) {
        auto made = [&] { return reader.sink.has(name); };
        co_await until(made);
    }
    asio::awaitable<void> follows() {
        auto open = [&] { return !cluster.logs().empty(); };
        co_await until(open);
    }
    asio::awaitable<void> idle() {
        auto none = [&] { return cluster.logs().empty(); };
        co_await until(none);
    }
    // No stream is open, and none can be for a while.
    asio::awaitable<void> cut_off() {
        cluster.refuse("/log", unavailable(), 3);
        cluster.cut_logs();
        co_await idle();
    }

    Loop loop;
    Clock clock{1000.0};
    ReplayCluster cluster;
    ReplayServer server;
    Timestamp base;
    std::optional<ApiClient> api;
};

std::vector<std::string> numbered(int from, int to) {
    std::vector<std::string> lines;
    for (int i = from; i <= to; ++i) lines.push_back("line " + std::to_string(i));
    return lines;
}

// Runs `test` on a rig, and stops its server afterwards.
template <class Test>
void with_rig(Test test, const std::string& waiting = {}) {
    run_on_loop([&](Loop loop) -> asio::awaitable<void> {
        Rig rig(loop, waiting);
        co_await test(rig);
        co_await rig.server.stop();
    });
}

TEST(PodSource, ReadsTheHistoryThenFollows) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 3);
        auto reader = rig.read();
        co_await rig.call(*reader, "caught up");
        rig.write(4);
        co_await rig.lines(*reader, 4);
        EXPECT_THAT(reader->sink.calls, ElementsAre("line line 1", "line line 2", "line line 3",
                                                    "caught up", "line line 4"));
        EXPECT_EQ(reader->source.position(0).lines, 4u);
        EXPECT_EQ(reader->source.position(0).kind, "pod");
        co_await reader->stop();
    });
}

TEST(PodSource, HasCaughtUpAtOnceWithAnEmptyLog) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        auto reader = rig.read();
        co_await rig.call(*reader, "caught up");
        rig.write(1);
        co_await rig.lines(*reader, 1);
        rig.cluster.cut_logs();
        rig.write(2);
        co_await rig.lines(*reader, 2);
        EXPECT_EQ(reader->sink.lines, numbered(1, 2));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(PodSource, WithoutHistoryStartsBehindTheLastLineAndKeepsItAsAnchor) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 3);
        auto reader = rig.read(std::nullopt, 0s);
        co_await rig.call(*reader, "caught up");
        rig.write(4);
        co_await rig.lines(*reader, 1);
        rig.cluster.cut_logs();
        rig.write(5);
        co_await rig.lines(*reader, 2);
        EXPECT_EQ(reader->sink.lines, numbered(4, 5));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(PodSource, HandsEveryLineOverOnceHoweverItsStreamsEnd) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        auto reader = rig.read();
        for (int round = 0; round < 12; ++round) {
            rig.write(round * 10 + 1, round * 10 + 5);
            co_await rig.follows();
            if (round % 4 == 1) rig.cluster.reset_streams();
            if (round % 4 == 2) rig.cluster.fail_logs_in_band("rpc error: code = Unavailable");
            if (round % 4 == 3) rig.cluster.cut_logs();
            rig.write(round * 10 + 6, round * 10 + 10);
            co_await rig.lines(*reader, static_cast<std::size_t>(round) * 10 + 10);
        }
        EXPECT_EQ(reader->sink.lines, numbered(1, 120));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(PodSource, GoesOnFromAStoredPositionWithTheLinesThatWereHeld) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 50);
        auto first = rig.read();
        co_await rig.lines(*first, 50);
        const PositionRow position = first->source.position(3);
        co_await first->stop();
        EXPECT_EQ(position.lines, 47u);

        rig.write(51, 60);
        auto second = rig.read(position);
        co_await rig.call(*second, "caught up");
        EXPECT_EQ(second->sink.lines, numbered(48, 60));
        EXPECT_THAT(second->sink.gaps, IsEmpty());
        EXPECT_EQ(second->source.position(0).lines, 60u);
        co_await second->stop();
    });
}

TEST(PodSource, ReportsWhatARotationMayHaveTaken) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 3);
        auto first = rig.read();
        co_await rig.lines(*first, 3);
        const PositionRow position = first->source.position(0);
        co_await first->stop();

        rig.write(4, 6);
        rig.cluster.rotate(pod, "build");
        rig.write(37, 38);
        auto second = rig.read(position);
        co_await rig.lines(*second, 2);
        EXPECT_EQ(second->sink.lines, numbered(37, 38));
        EXPECT_EQ(second->sink.gaps.size(), 1u);
        const SourceGap gap = second->sink.gaps.at(0);
        EXPECT_EQ(gap.kind, "rotated_while_disconnected");
        EXPECT_EQ(gap.certainty, "possibly_lost");
        EXPECT_EQ(gap.from, rig.base + 300ms);
        EXPECT_EQ(gap.to, rig.base + 3700ms);
        co_await second->stop();
    });
}

TEST(PodSource, ReportsARotationThatLeftNothingToRead) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 3);
        auto first = rig.read();
        co_await rig.lines(*first, 3);
        const PositionRow position = first->source.position(0);
        co_await first->stop();

        rig.cluster.rotate(pod, "build");
        auto second = rig.read(position);
        co_await rig.call(*second, "gap rotated_while_disconnected possibly_lost");
        rig.write(4);
        co_await rig.lines(*second, 1);
        EXPECT_EQ(second->sink.lines, numbered(4, 4));
        co_await second->stop();
    });
}

TEST(PodSource, GoesOnWhenTheNodesClockWasSetBackWhileDisconnected) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 3);
        auto first = rig.read();
        co_await rig.lines(*first, 3);
        const PositionRow position = first->source.position(0);
        co_await first->stop();

        rig.cluster.append(pod, "build", rig.base - 1h, "an hour back");
        auto second = rig.read(position);
        co_await rig.lines(*second, 1);
        EXPECT_THAT(second->sink.lines, ElementsAre("an hour back"));
        EXPECT_THAT(second->sink.gaps, IsEmpty());
        co_await second->stop();
    });
}

TEST(PodSource, FindsLinesThatAClockSetBackHidesFromAnOpenStream) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 3);
        auto reader = rig.read();
        co_await rig.lines(*reader, 3);
        rig.cluster.cut_logs();  // the next stream is asked for from about line 3
        co_await rig.idle();
        co_await rig.follows();
        rig.cluster.append(pod, "build", rig.base - 1h, "an hour back");
        co_await reader->source.probe_tail();
        EXPECT_THAT(reader->sink.watermarks, IsEmpty());
        co_await rig.lines(*reader, 4);
        EXPECT_EQ(reader->sink.lines.back(), "an hour back");
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(PodSource, ReadsAnEndedContainerToItsProvenEnd) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        auto reader = rig.read();
        rig.write(1, 3);
        co_await rig.lines(*reader, 3);
        rig.write(4);
        rig.cluster.terminate_container(pod, "build", 1);
        reader->source.update(rig.container());
        co_await rig.call(*reader, "complete");
        EXPECT_EQ(reader->sink.lines, numbered(1, 4));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        EXPECT_TRUE(reader->source.position(0).complete);

        auto again = rig.read(reader->source.position(0));
        co_await rig.call(*again, "complete");
        EXPECT_THAT(again->sink.calls, ElementsAre("caught up", "complete"));
        co_await again->stop();
        co_await reader->stop();
    });
}

TEST(PodSource, ReadsTheNewestInstanceOfACrashLoopAsTheCurrentOne) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.cluster.restart_container(pod, "build");
        rig.write(1, 2);
        rig.cluster.terminate_container(pod, "build", 1);
        auto reader = rig.read();
        co_await rig.call(*reader, "complete");
        EXPECT_EQ(reader->sink.lines, numbered(1, 2));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(PodSource, NeverTakesTheLinesOfTheNextInstanceForItsOwn) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 2);
        auto reader = rig.read();
        co_await rig.lines(*reader, 2);
        // While it is cut off, the container writes a last line and is restarted; the watch is
        // late and says nothing of it.
        co_await rig.cut_off();
        rig.write(3);
        rig.cluster.restart_container(pod, "build");
        rig.write(104, 105);
        co_await rig.call(*reader, "complete");
        EXPECT_EQ(reader->sink.lines, numbered(1, 3));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());

        auto next = rig.read();
        co_await rig.lines(*next, 2);
        EXPECT_EQ(next->sink.lines, numbered(104, 105));
        co_await next->stop();
        co_await reader->stop();
    });
}

// What the run before wrote last has a later time than all that this one wrote: as if it were this
// one's end.
TEST(PodSource, GoesOnWithARunThatBeganBehindAClockSetBack) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(500, 501);
        rig.cluster.restart_container(pod, "build");
        rig.write(1, 2);
        auto reader = rig.read();
        co_await rig.lines(*reader, 2);
        co_await rig.cut_off();
        rig.cluster.rotate(pod, "build");
        rig.write(37, 38);
        co_await rig.lines(*reader, 4);
        EXPECT_EQ(reader->sink.lines.back(), "line 38");
        EXPECT_FALSE(reader->sink.has("complete"));
        EXPECT_EQ(reader->sink.gaps.size(), 1u);
        co_await reader->stop();
    });
}

TEST(PodSource, SaysThatAnInstanceCannotBeReadAnyMore) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 2);
        const std::string oldest = rig.container().id;
        auto reader = rig.read();
        co_await rig.lines(*reader, 2);
        const PositionRow position = reader->source.position(0);
        co_await reader->stop();
        rig.cluster.restart_container(pod, "build");
        rig.cluster.restart_container(pod, "build");

        auto late = rig.read_instance(oldest, position);
        co_await rig.call(*late, "complete");
        EXPECT_THAT(late->sink.calls, Contains("gap tail_unproven possibly_lost"));
        EXPECT_THAT(late->sink.lines, IsEmpty());
        co_await late->stop();

        auto never_read = rig.read_instance(oldest);
        co_await rig.call(*never_read, "complete");
        EXPECT_THAT(never_read->sink.calls, Contains("gap pod_gone_before_open lost"));
        co_await never_read->stop();
    });
}

TEST(PodSource, TakesTheOrderlyEndOfADeletedPodsStreamForItsEnd) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 2);
        auto reader = rig.read();
        co_await rig.lines(*reader, 2);
        reader->source.drain();
        rig.write(3);
        rig.cluster.delete_pod(pod);
        co_await rig.call(*reader, "complete");
        EXPECT_EQ(reader->sink.lines, numbered(1, 3));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(PodSource, TakesTheKubeletsNotFoundAtTheEndOfAStreamForTheEnd) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 2);
        auto reader = rig.read();
        co_await rig.lines(*reader, 2);
        reader->source.drain();
        rig.cluster.fail_logs_in_band("rpc error: code = NotFound desc = no such container");
        rig.cluster.delete_pod(pod);
        co_await rig.call(*reader, "complete");
        EXPECT_EQ(reader->sink.lines, numbered(1, 2));
        EXPECT_THAT(reader->sink.gaps, IsEmpty());
        co_await reader->stop();
    });
}

TEST(PodSource, ReportsAnErrorInTheAnswerThatStaysUnresolved) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 2);
        auto reader = rig.read();
        co_await rig.lines(*reader, 2);
        reader->source.drain();
        rig.cluster.fail_logs_in_band("rpc error: code = Unavailable desc = no runtime");
        rig.cluster.delete_pod(pod);
        co_await rig.call(*reader, "complete");
        EXPECT_THAT(reader->sink.calls, Contains("gap in_band_error possibly_lost"));
        EXPECT_THAT(reader->sink.gaps.at(0).details, HasSubstr("no runtime"));
        co_await reader->stop();
    });
}

TEST(PodSource, SaysThatTheEndOfADeletedPodsLogIsUnproven) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        rig.write(1, 2);
        auto reader = rig.read();
        co_await rig.lines(*reader, 2);
        rig.cluster.reset_streams();
        rig.cluster.delete_pod(pod);
        reader->source.drain();
        co_await rig.call(*reader, "complete");
        EXPECT_THAT(reader->sink.calls, Contains("gap tail_unproven possibly_lost"));
        EXPECT_EQ(reader->sink.gaps.at(0).from, rig.base + 200ms);
        co_await reader->stop();
    });
}

TEST(PodSource, WaitsForAContainerThatHasNotStarted) {
    with_rig(
        [](Rig& rig) -> asio::awaitable<void> {
            auto reader = rig.read_instance("");
            rig.cluster.refuse("/none", unavailable());
            auto asked = [&] { return rig.clock.now() - rig.base > 10s; };
            co_await until(asked);
            EXPECT_THAT(reader->sink.calls, IsEmpty());
            EXPECT_THAT(reader->troubles, IsEmpty()) << "that is an ordinary start";
            co_await reader->stop();

            rig.cluster.start_container(pod, "build");
            auto started = rig.read();
            rig.write(1);
            co_await rig.lines(*started, 1);
            co_await started->stop();
        },
        "ContainerCreating");
}

TEST(PodSource, NamesTheRightItLacksAndGoesOnWhenItIsGranted) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        const std::string message =
            "pods \"one\" is forbidden: User \"system:serviceaccount:watch:rw\" cannot get "
            "resource \"pods/log\" in API group \"\" in the namespace \"gitlab-runner\"";
        rig.cluster.refuse("/log", status_reply(403, "Forbidden", message, "pods", "one"), 2);
        rig.write(1);
        auto reader = rig.read();
        co_await rig.lines(*reader, 1);
        EXPECT_EQ(reader->troubles.size(), 2u) << "once per change";
        EXPECT_THAT(reader->troubles.at(0),
                    HasSubstr("may not get pods/log in namespace gitlab-runner"));
        EXPECT_THAT(reader->troubles.at(0), HasSubstr("kubectl create role"));
        EXPECT_THAT(reader->troubles.at(0), HasSubstr("--serviceaccount=watch:rw"));
        EXPECT_EQ(reader->troubles.at(1), "");
        co_await reader->stop();
    });
}

TEST(PodSource, IsProvenReadOnlyWhenTheLastLineWasHandedOver) {
    with_rig([](Rig& rig) -> asio::awaitable<void> {
        auto reader = rig.read();
        rig.write(1, 2);
        co_await rig.lines(*reader, 2);
        const Timestamp before = rig.clock.now();
        co_await reader->source.probe_tail();
        EXPECT_EQ(reader->sink.watermarks.size(), 1u);
        EXPECT_GE(reader->sink.watermarks.at(0), before);

        rig.cluster.refuse("/log", unavailable(), 1);
        co_await reader->source.probe_tail();
        EXPECT_EQ(reader->sink.watermarks.size(), 1u) << "no answer proves nothing";

        co_await reader->stop();
        rig.write(3);
        co_await reader->source.probe_tail();
        EXPECT_EQ(reader->sink.watermarks.size(), 1u) << "line 3 was not read";
    });
}

}  // namespace
}  // namespace runnerwatch
