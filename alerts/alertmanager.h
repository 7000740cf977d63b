#pragma once

#include "alerts/delivery.h"
#include "parsers/rule.h"
#include "storage/change_set.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace runnerwatch {

// One POST /api/v2/alerts to one Alertmanager.
struct AlertmanagerPost {
    std::string receiver, url;  // url: the base, as configured
    DeliveryRequest request;
    std::vector<AlertmanagerSentRow> rows;  // what counts as sent when it succeeds
};

// Keeps Alertmanagers (v2 API) informed: firing alerts are refreshed, resolved ones are sent with
// their end for a while, because Alertmanager forgets. Pure: no I/O, no clock.
//
// A resolve is sent by us, on evidence. A stop or crash of ours must not look like one: a firing
// alert ends `hold` (default 1 h) after the last refresh, and what was sent is stored, so that a
// restart goes on. Alertmanager groups, waits and repeats itself. Source: Alertmanager 0.25
// api/v2/api.go: the label set is the identity; 400 means that valid alerts were stored.
class AlertmanagerLedger {
public:
    static constexpr std::chrono::seconds refresh{60};
    static constexpr std::chrono::minutes resolved_for{6};

    struct Target {
        std::string receiver;
        std::vector<std::string> urls;
        Duration hold = std::chrono::hours(1);
    };

    AlertmanagerLedger(const RulePack& pack, std::vector<Target> targets);

    void load(const StoredState& state);
    void use_pack(const RulePack& pack) { pack_ = &pack; }

    // What is to be posted now, one post per Alertmanager. `incidents`: all the book holds.
    // `tell_new`: false while catching up: only what was told before is refreshed or resolved.
    // `even_uncommitted`: the database cannot be written, so numbers are not waited for.
    std::vector<AlertmanagerPost> due(const std::vector<const IncidentRow*>& incidents,
                                      bool tell_new, bool even_uncommitted, Timestamp now);

    void finished(const AlertmanagerPost& post, bool success, Timestamp now);

    std::optional<Timestamp> next_due() const;
    void take_changes(ChangeSet& changes);

private:
    using Key = ChangeSet::Triple;  // receiver, url, labels

    void collect(const Target& target, const std::string& url, const IncidentRow& incident,
                 bool tell_new, Timestamp now, std::vector<AlertmanagerSentRow>& rows);

    const RulePack* pack_;
    std::vector<Target> targets_;
    std::map<Key, AlertmanagerSentRow> sent_;
    std::map<std::string, Timestamp> retry_at_;  // by url
    std::map<std::string, int> failures_;
    ChangeSet changes_;
};

}  // namespace runnerwatch
