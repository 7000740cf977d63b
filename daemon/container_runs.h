#pragma once

#include "parsers/pod.h"
#include "storage/rows.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

// The number of a run is kept at the end of its log's position. None: -1.
void put_run(std::string& blob, int run);
int take_run(std::string_view& blob);

// Which runs of each container were seen, so that it is known of which none was: the log API gives
// the run that goes on and the one before it, and says nothing of those before that.
//
// Runs are numbered by the container's restart count. A value; one entry per container of the pods
// that are watched.
class ContainerRuns {
public:
    struct News {
        bool previous = false;                // the run before was not seen, and can be read
        int unseen = 0;                       // runs before that one that can be read no more
        std::string last_seen;                // the instance of the last run seen, or empty
        std::optional<Timestamp> read_up_to;  // of that run, once it has ended
    };

    // A run that an earlier start of the program read, by its position.
    void load(const PositionRow& position, std::optional<Timestamp> read_up_to);

    // The container shows the run that `place` names. `from_first`: its pod was made while we
    // watched, so that all its runs were to be seen. What is new since the last call.
    News see(const Place& place, const PodContainer& container, bool from_first);

    // The run has ended, and was read so far.
    void ended(const Place& place, std::optional<Timestamp> read_up_to);

    void forget(const Place& pod);

private:
    struct Run {
        int number = -1;
        std::string instance;
        std::optional<Timestamp> read_up_to{};
    };
    static std::string key(const std::string& instance);

    std::map<std::string, Run> latest_;  // by pod and container
};

}  // namespace runnerwatch
