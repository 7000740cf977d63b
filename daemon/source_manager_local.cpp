// Sources of this machine: files and the journal.
#include "daemon/source_manager.h"

#include "daemon/sources/file_source.h"
#include "daemon/sources/journal_source.h"

namespace runnerwatch {

std::function<void(const std::string&)> SourceManager::report_trouble_of(
    const std::string& instance) {
    return [this, instance](const std::string& what) {
        if (!what.empty()) hooks_.report(what);
        local_troubles_[instance] = what;
    };
}

void SourceManager::start_file(const FileConfig& config) {
    Place place;
    place.workload = config.name;
    place.member = config.path;
    place.instance = "file/" + config.path;
    FileSource::Options options;
    options.history = config_.history;
    options.on_trouble = report_trouble_of(place.instance);
    auto source = std::make_unique<FileSource>(clock_, place, stored_position(place.instance),
                                               std::move(options));
    if (begin(std::move(source))) awaited_.insert(place.instance);
}

void SourceManager::start_journal(const JournalConfig& config) {
    Place place;
    place.workload = config.name;
    place.member = config.unit;
    place.instance = "journal/" + config.directory + "/" + config.unit;
    JournalSource::Options options;
    options.unit = config.unit;
    options.directory = config.directory;
    options.history = config_.history;
    options.on_trouble = report_trouble_of(place.instance);
    auto source = std::make_unique<JournalSource>(clock_, place, stored_position(place.instance),
                                                  std::move(options));
    if (begin(std::move(source))) awaited_.insert(place.instance);
}

}  // namespace runnerwatch
