#pragma once

#include "alerts/dispatcher.h"
#include "alerts/message.h"
#include "daemon/rule_files.h"
#include "daemon/source_reader.h"
#include "storage/store.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace runnerwatch {

// The deployment this project started from, over a month: lines of a real runner, read by real
// readers into a real book, committed to a real file, told to a receiver that takes everything.
// Only the time is made up, and passed in.
class SeedStory {
public:
    explicit SeedStory(const std::filesystem::path& database);
    ~SeedStory();

    // What the receiver was told, line by line.
    const std::vector<std::string>& told() const { return told_; }

private:
    struct Pod;

    void first_time();
    void second_time();
    void third_time();

    Pod& start(const std::string& name, const std::string& revision);
    void gone(const std::string& name);
    // Lines `from` to `to` (from 1) of a recording, the first of them now, as the pod's log API
    // gives them.
    void lines(Pod& pod, const std::string& recording, std::size_t from = 1, std::size_t to = 999);
    void unread(Pod& pod, Duration span);
    // To the latest incident of refused job requests.
    void act(IncidentAct what, const std::string& actor, const std::string& note);

    // Time goes by, as the daemon lets it: what is due becomes due.
    void pass(Duration span);
    void commit();
    void tell();

    Timestamp now_;
    std::unique_ptr<Matcher> matcher_;
    KnownHeads heads_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Reader> reader_;
    std::unique_ptr<IncidentBook> book_;
    Dispatcher dispatcher_;
    Clock clock_;
    Metrics metrics_;
    ExceptionBook exceptions_{metrics_};
    UnclassifiedBook unclassified_;
    CrashMark crash_mark_;
    ReaderContext context_;
    std::map<std::string, std::unique_ptr<Pod>> pods_;
    std::vector<std::string> told_;
};

}  // namespace runnerwatch
