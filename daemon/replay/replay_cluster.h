#pragma once

#include "daemon/net/http_server.h"
#include "daemon/replay/replay_stream.h"
#include "daemon/runtime/clock.h"
#include "parsers/timestamp.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace runnerwatch {

struct ReplayLine {
    Timestamp time;
    std::string text;  // without newline
};

// One run of a container, with its log.
struct ReplayInstance {
    std::string id;
    Timestamp started_at{};
    std::optional<Timestamp> finished_at;
    int exit_code = 0;
    std::vector<ReplayLine> lines;
    std::size_t readable_from = 0;  // what stands before was rotated away
    bool removed = false;           // together with its pod
    std::set<ReplayStream*> followers;

    bool ended() const { return finished_at || removed; }
};

struct ReplayContainer {
    std::string name, image;
    std::vector<std::string> args;
    bool init = false;
    std::string waiting;  // why there is no instance yet, as "ContainerCreating"
    int restarts = 0;
    std::shared_ptr<ReplayInstance> current, previous;
};

struct ReplayPod {
    std::string namespace_, name;
    std::string uid;              // empty: given by add_pod
    std::string node = "node-1";  // empty: not scheduled yet
    std::string replica_set;      // empty: a bare pod
    std::map<std::string, std::string> labels;
    std::vector<ReplayContainer> containers;
    Timestamp created_at{};
    std::optional<Timestamp> deleting_at;
    std::uint64_t version = 0;
};

// A change that a watch delivers.
struct ReplayEvent {
    std::uint64_t version;
    std::string namespace_;
    std::map<std::string, std::string> labels;
    std::string line;  // {"type":…,"object":…} and a newline
};

// The pods and logs that a ReplayServer shows, and the faults it shows them with.
//
// Confined to the loop. Outlives the server. A pod is named by "namespace/name"; naming one, or a
// container, that does not exist is a mistake of the caller.
class ReplayCluster {
public:
    ReplayCluster(Loop loop, const Clock& clock) : loop_(std::move(loop)), clock_(clock) {}
    ReplayCluster(const ReplayCluster&) = delete;
    ReplayCluster& operator=(const ReplayCluster&) = delete;

    // Containers that wait for nothing run at once. Returns the pod's name as above.
    std::string add_pod(ReplayPod pod);
    void start_container(const std::string& pod, const std::string& container);
    void append(const std::string& pod, const std::string& container, Timestamp time,
                std::string text);
    void terminate_container(const std::string& pod, const std::string& container, int exit_code);
    // A new instance; the one before it can be read as the previous one.
    void restart_container(const std::string& pod, const std::string& container);
    void mark_deleting(const std::string& pod);
    void delete_pod(const std::string& pod);
    // Nothing written so far can be asked for any more. Open streams go on.
    void rotate(const std::string& pod, const std::string& container);

    // Faults. Streams end in order (as when a kubelet or a container ends) …
    void cut_logs() { end_streams(logs_, {ReplayFault::Kind::cut, {}}); }
    void cut_watches() { end_streams(watches_, {ReplayFault::Kind::cut, {}}); }
    // … or without the last chunk (as when the API server dies) …
    void reset_streams();
    // … or with an error of the kubelet as last bytes, and no newline.
    void fail_logs_in_band(const std::string& text) {
        end_streams(logs_, {ReplayFault::Kind::in_band, text});
    }
    // The next `times` requests whose path contains `part` are answered with `reply`.
    void refuse(std::string part, ServerReply reply, int times = 1);
    void accept_again() { refusals_.clear(); }
    // Whether a watch may begin with the list (Kubernetes 1.34; not before 1.32).
    void stream_lists(bool offered) { streams_lists_ = offered; }
    bool streams_lists() const { return streams_lists_; }

    // No watch and no list can be continued from a resource version that was handed out so far.
    void expire_resource_versions();
    // Every answer comes that much later.
    void delay_answers(std::chrono::milliseconds real) { delay_ = real; }

    // For the server, and for tests that wait until a client has come.
    const std::map<std::string, ReplayPod>& pods() const { return pods_; }
    const ReplayPod* find(const std::string& pod) const;
    std::uint64_t version() const { return version_; }
    // The changes after `version`; nothing when they are no longer known.
    std::optional<std::vector<const ReplayEvent*>> events_after(std::uint64_t version) const;
    std::optional<ServerReply> refusal(const std::string& path);
    std::chrono::milliseconds delay() const { return delay_; }
    Timestamp now() const { return clock_.now(); }
    const Loop& loop() const { return loop_; }
    std::set<ReplayStream*>& logs() { return logs_; }
    std::set<ReplayStream*>& watches() { return watches_; }

private:
    struct Refusal {
        std::string part;
        ServerReply reply;
        int times;
    };

    ReplayPod& pod(const std::string& name) { return pods_.at(name); }
    ReplayContainer& container(const std::string& pod, const std::string& name);
    ReplayInstance& instance(const std::string& pod, const std::string& container);
    std::shared_ptr<ReplayInstance> new_instance();
    void changed(ReplayPod& pod, const char* type);
    static void end_streams(const std::set<ReplayStream*>& streams, const ReplayFault& fault);
    static void wake(const std::set<ReplayStream*>& streams);

    Loop loop_;
    const Clock& clock_;
    std::map<std::string, ReplayPod> pods_;
    std::deque<ReplayEvent> events_;
    std::uint64_t version_ = 1;
    std::uint64_t forgotten_ = 1;  // changes up to this version are not known any more
    std::uint64_t made_ = 0;       // names given so far
    std::set<ReplayStream*> logs_, watches_;
    bool streams_lists_ = true;
    std::vector<Refusal> refusals_;
    std::chrono::milliseconds delay_{0};
};

}  // namespace runnerwatch
