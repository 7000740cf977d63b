#pragma once

#include "alerts/incident_book.h"

#include <random>

namespace runnerwatch {

// Any act on any of the incidents, sensible or not.
inline ActRequest random_act(std::mt19937& random, const std::vector<const IncidentRow*>& incidents,
                             Timestamp now) {
    const auto any = [&](unsigned n) { return random() % n; };
    const auto incident = [&] { return incidents[any(unsigned(incidents.size()))]->key; };
    const auto minutes = [&](unsigned most) { return now + std::chrono::minutes(1 + any(most)); };
    const std::vector<std::string> tags{std::string(1, static_cast<char>('a' + any(4)))};
    ActRequest request{incident(), {}, any(2) == 0 ? "ann" : "bob", "api", ""};
    if (any(4) == 0) request.note = "note " + std::to_string(any(100));
    switch (any(11)) {
        case 0:
            request.act = Acknowledge{any(2) == 0 ? "" : "carl",
                                      any(2) == 0 ? std::optional(minutes(30)) : std::nullopt};
            break;
        case 1:
            request.act = Unacknowledge{};
            break;
        case 2: {
            Snooze snooze;
            if (any(2) == 0) snooze.until = minutes(60);
            if (any(3) == 0) snooze.count = any(20);
            snooze.until_worse = any(3) == 0;
            request.act = snooze;
            break;
        }
        case 3:
            request.act = Unsnooze{};
            break;
        case 4:
            request.act = Assign{any(3) == 0 ? "" : "dora"};
            break;
        case 5:
            request.act = AddNote{};
            break;
        case 6:
            request.act = Tag{tags};
            break;
        case 7:
            request.act = Untag{tags};
            break;
        case 8:
            request.act = ResolveByHand{};
            break;
        case 9:
            request.act = MergeInto{incident()};
            break;
        case 10:
            request.act = Split{};
            break;
    }
    return request;
}

}  // namespace runnerwatch
